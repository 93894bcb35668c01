// SPDX-License-Identifier: Apache-2.0
//
// The driver of tests/conformance/clients for the C++ client. Reads one operation per line from standard input, as
// JSON, and writes one JSON object per operation to standard output.
#include <google/protobuf/util/json_util.h>
#include <qconfig/client.h>

#include <functional>
#include <future>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace qconfig::client {
namespace {

using Json = nlohmann::json;

template <typename Message>
Message FromJson(const Json& json) {
  Message message;
  const auto status = google::protobuf::util::JsonStringToMessage(json.dump(), &message);
  if (!status.ok()) throw std::invalid_argument(status.ToString());
  return message;
}

Json ToJson(const google::protobuf::Message& message, bool defaults = false) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  options.always_print_primitive_fields = defaults;
  std::string text;
  const auto status = google::protobuf::util::MessageToJsonString(message, &text, options);
  if (!status.ok()) throw std::runtime_error(status.ToString());
  return Json::parse(text);
}

Json ToJson(const absl::Status& status) {
  const v1::ItemError error = ErrorOf(status);
  Json json = ToJson(error.detail(), /*defaults=*/true);
  json["code"] = absl::StatusCodeToString(status.code());
  json["reason"] = ReasonName(error.reason());
  json["message"] = std::string(status.message());
  json["metadata"] = error.metadata();
  json["field_violations"] = Json::array();
  for (const v1::FieldViolation& violation : error.field_violations()) {
    json["field_violations"].push_back({{"field", violation.field()}, {"description", violation.description()}});
  }
  json["type"] = "absl::Status";
  return json;
}

// Returns {"response"} or {"error"}.
using Call = std::function<Json(Client&, const Json& request, Timeout)>;

template <typename Request, typename Response>
Call MakeCall(absl::StatusOr<Response> (Client::*method)(Request, Timeout)) {
  return [method](Client& client, const Json& request, Timeout timeout) {
    const auto response = (client.*method)(FromJson<std::decay_t<Request>>(request), timeout);
    return response.ok() ? Json{{"response", ToJson(*response)}} : Json{{"error", ToJson(response.status())}};
  };
}

const Call& CallNamed(const std::string& method) {
  static const auto& calls = *new std::map<std::string, Call>{
      {"GetConfig", MakeCall(&Client::GetConfig)},
      {"BatchGetConfig", MakeCall(&Client::BatchGetConfig)},
      {"PlanLayers", MakeCall(&Client::PlanLayers)},
      {"ListTemplates", MakeCall(&Client::ListTemplates)},
      {"GetTemplate", MakeCall(&Client::GetTemplate)},
      {"ListSchemes", MakeCall(&Client::ListSchemes)},
      {"GetScheme", MakeCall(&Client::GetScheme)},
      {"ListCatalogs", MakeCall(&Client::ListCatalogs)},
      {"WhoAmI", MakeCall(&Client::WhoAmI)},
      {"RegisterScheme", MakeCall(&Client::RegisterScheme)},
      {"UnregisterScheme", MakeCall(&Client::UnregisterScheme)},
      {"RegisterTemplate", MakeCall(&Client::RegisterTemplate)},
      {"UnregisterTemplate", MakeCall(&Client::UnregisterTemplate)},
      {"SetDefaultCatalog", MakeCall(&Client::SetDefaultCatalog)},
      {"ListChanges", MakeCall(&Client::ListChanges)},
  };
  return calls.at(method);
}

// A call that lists all pages, and the field with its entries.
struct List {
  Call call;
  const char* entries;
};

const List& ListNamed(const std::string& method) {
  static const auto& lists = *new std::map<std::string, List>{
      {"ListTemplates", {MakeCall(&Client::ListAllTemplates), "llm_templates"}},
      {"ListSchemes", {MakeCall(&Client::ListAllSchemes), "schemes"}},
      {"ListChanges", {MakeCall(&Client::ListAllChanges), "changes"}},
  };
  return lists.at(method);
}

Timeout ReadTimeout(const Json& operation) {
  return operation.contains("timeout_s") ? Timeout(absl::Seconds(operation["timeout_s"].get<double>())) : Timeout();
}

class Driver {
 public:
  // Throws std::exception if the operation is invalid.
  Json Run(const Json& operation) {
    const std::string op = operation.at("op");
    if (op == "connect") return Connect(operation);
    if (op == "verify_digest") return CheckDigest(operation);
    if (client_ == nullptr) throw std::logic_error("not connected");
    if (op == "call") {
      return CallNamed(operation.at("method"))(*client_, operation.at("request"), ReadTimeout(operation));
    }
    if (op == "all") return All(operation);
    if (op == "parallel") return Parallel(operation);
    throw std::invalid_argument("unknown operation: " + op);
  }

 private:
  Json Connect(const Json& operation) {
    client_ = nullptr;
    ClientOptions options;
    options.server = operation.at("server");
    options.tenant = operation.value("tenant", "");
    options.catalog = operation.value("catalog", "");
    options.timeout = ReadTimeout(operation).value_or(options.timeout);
    options.token_file = operation.value("token_file", "");
    options.allow_unencrypted_token = operation.value("allow_unencrypted_token", false);
    if (operation.contains("tls")) {
      const Json& files = operation["tls"];
      auto tls = ReadTlsOptions({files.value("ca", ""), files.value("cert", ""), files.value("key", "")});
      if (!tls.ok()) throw std::invalid_argument(tls.status().ToString());
      options.tls = *std::move(tls);
    }
    client_ = std::make_unique<Client>(options);
    return {{"ok", true}};
  }

  static Json CheckDigest(const Json& operation) {
    const absl::Status status = VerifyDigest(FromJson<v1::GetConfigResponse>(operation.at("response")));
    if (absl::IsInvalidArgument(status)) return {{"error", ToJson(status)}};
    return {{"ok", status.ok()}};
  }

  Json All(const Json& operation) {
    const List& list = ListNamed(operation.at("method"));
    const Json answer = list.call(*client_, operation.at("request"), ReadTimeout(operation));
    if (!answer.contains("response")) return answer;
    return {{"responses", answer["response"].value(list.entries, Json::array())}};
  }

  Json Parallel(const Json& operation) {
    const Call& call = CallNamed(operation.at("method"));
    const Json& request = operation.at("request");
    std::vector<std::future<Json>> answers;
    for (int i = operation.at("count"); i > 0; --i) {
      answers.push_back(
          std::async(std::launch::async, [&] { return call(*client_, request, ReadTimeout(operation)); }));
    }
    Json all = {{"responses", Json::array()}, {"errors", Json::array()}};
    for (auto& future : answers) {
      const Json answer = future.get();
      if (answer.contains("response")) {
        all["responses"].push_back(answer["response"]);
      } else {
        all["errors"].push_back(answer["error"]);
      }
    }
    return all;
  }

  std::unique_ptr<Client> client_;
};

}  // namespace
}  // namespace qconfig::client

int main() {
  qconfig::client::Driver driver;
  std::string line;
  while (std::getline(std::cin, line)) {
    nlohmann::json answer;
    try {
      answer = driver.Run(nlohmann::json::parse(line));
    } catch (const std::exception& problem) {
      answer = {{"driver_error", problem.what()}};
    }
    std::cout << answer.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << "\n" << std::flush;
  }
}
