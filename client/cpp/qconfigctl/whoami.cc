// SPDX-License-Identifier: Apache-2.0
#include <google/protobuf/util/time_util.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "qconfigctl/commands.h"
#include "qconfigctl/output_text.h"
#include "qconfigctl/print.h"

namespace qconfig::client {
namespace {

std::string ExpiryText(const v1::WhoAmIResponse& response) {
  if (response.has_expire_time()) return google::protobuf::util::TimeUtil::ToString(response.expire_time());
  return absl::StartsWith(response.credential(), "certificate ") ? "with the certificate" : "never";
}

std::string RoleText(v1::Role role) {
  const std::string& name = v1::Role_Name(role);
  return name.empty() ? "unknown" : absl::AsciiStrToLower(absl::StripPrefix(name, "ROLE_"));
}

// Which of the grant's tenants its writes may create: those with a full name, and those of patterns if it says so.
std::string CreatableText(const v1::RoleGrant& grant) {
  if (grant.role() < v1::ROLE_EDITOR) return "no";
  if (grant.create() || grant.role() == v1::ROLE_OPERATOR) return "yes";
  std::vector<std::string> names;
  for (const std::string& tenant : grant.tenants()) {
    if (!absl::EndsWith(tenant, "*")) names.push_back(tenant);
  }
  if (names.empty()) return "no";
  const bool all = names.size() == static_cast<size_t>(grant.tenants_size());
  return all ? "yes" : absl::StrCat("only ", absl::StrJoin(names, ", "));
}

void PrintCaller(const v1::WhoAmIResponse& response) {
  if (!response.has_policy()) {
    std::cout << "the server has no policy: everybody who reaches it may do everything\n";
    return;
  }
  const bool is_anonymous = response.credential().empty();
  std::vector<std::vector<std::string>> rows = {
      {"principal:", response.principal()},
      {"credential:", is_anonymous ? "none" : response.credential()},
  };
  if (!is_anonymous) rows.push_back({"expires:", ExpiryText(response)});
  rows.push_back({"default tenant:", response.default_tenant()});
  PrintTable(rows);
  if (response.grants().empty()) {
    std::cout << "\nno grants: ask the operators of the server for a grant in its policy\n";
    return;
  }
  rows = {{"ROLE", "TENANTS", "MAY CREATE THEM"}};
  for (const v1::RoleGrant& grant : response.grants()) {
    rows.push_back({RoleText(grant.role()), absl::StrJoin(grant.tenants(), ", "), CreatableText(grant)});
  }
  std::cout << '\n';
  PrintTable(rows);
}

int RunWhoAmI(const std::string& output, const ClientOptions& options) {
  const auto response = Client(options).WhoAmI({});
  if (!response.ok()) return PrintError(response.status(), options);
  if (output == "json") return PrintText(JsonText(*response));
  PrintCaller(*response);
  return kDone;
}

}  // namespace

void AddWhoAmI(CLI::App& app, const ClientOptions& options, int& exit_code) {
  auto output = std::make_shared<std::string>("text");
  CLI::App* command =
      app.add_subcommand("whoami", "Print for whom the server takes you, and what its policy allows you to do");
  command->add_option("-o,--output", *output, "Output format")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->callback([command, output, &options, &exit_code] {
    RejectCatalog(*command);
    exit_code = RunWhoAmI(*output, options);
  });
}

}  // namespace qconfig::client
