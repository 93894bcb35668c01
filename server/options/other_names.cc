// SPDX-License-Identifier: Apache-2.0
#include "server/options/other_names.h"

namespace qconfig {
namespace {

struct Name {
  absl::string_view word;
  absl::string_view instead;
};

constexpr absl::string_view kListen = "set --listen, such as --listen 127.0.0.1:50051";
constexpr absl::string_view kAdminListen = "set --admin-listen, such as --admin-listen 127.0.0.1:9464";
constexpr absl::string_view kServes = "qconfigd serves without a subcommand";

constexpr Name kNames[] = {
    {"--port", kListen},
    {"--host", kListen},
    {"--bind", kListen},
    {"--address", kListen},
    {"--grpc-port", kListen},
    {"--listen-client-urls", kListen},
    {"--metrics-port", kAdminListen},
    {"--admin-port", kAdminListen},
    {"--http-port", kAdminListen},
    {"--cert", "set --tls-cert"},
    {"--cert-file", "set --tls-cert"},
    {"--tls-cert-file", "set --tls-cert"},
    {"--key", "set --tls-key"},
    {"--key-file", "set --tls-key"},
    {"--tls-private-key-file", "set --tls-key"},
    {"--tls-ca", "set --tls-client-ca"},
    {"--cacert", "set --tls-client-ca"},
    {"--client-ca-file", "set --tls-client-ca"},
    {"--trusted-ca-file", "set --tls-client-ca"},
    {"--db", "set --storage sqlite:FILE, or --data-dir"},
    {"--database", "set --storage sqlite:FILE, or --data-dir"},
    {"--catalog", "set --default-catalog"},
    {"--verbose", "set --log-level debug"},
    {"serve", kServes},
    {"start", kServes},
    {"run", kServes},
    {"check", "run qconfigd check-config or qconfigd check-storage"},
    {"validate", "run qconfigd check-config"},
    {"health", "run qconfigd healthcheck"},
};

}  // namespace

std::string OtherName(absl::string_view word) {
  for (const Name& name : kNames) {
    if (name.word == word) return std::string(name.instead);
  }
  return "";
}

}  // namespace qconfig
