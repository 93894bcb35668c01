// SPDX-License-Identifier: Apache-2.0
//
// The writes of RegistryService over a real port.
#include <gmock/gmock.h>
#include <google/protobuf/util/message_differencer.h>
#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "tests/server/services/registry_service_fixture.h"

namespace qconfig {
namespace {

using google::protobuf::util::MessageDifferencer;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(RegistryServiceTest, RegisteredSchemeIsAvailableImmediately) {
  const auto registered = RegisterInt8("mine");
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->revision(), 2);
  const v1::Scheme& scheme = registered->scheme();
  EXPECT_EQ(scheme.config().weight(0).dtype(), v1::DTYPE_INT8);
  EXPECT_TRUE(scheme.has_spec()) << "the scheme is returned as it was registered";
  EXPECT_EQ(scheme.origin(), v1::REGISTRY_ORIGIN_TENANT);
  EXPECT_FALSE(scheme.etag().empty());
  EXPECT_TRUE(scheme.has_create_time());

  const auto config = GetConfig("spec { model_type: 'llama' scheme: 'mine' }");
  ASSERT_TRUE(config.ok()) << config.status();
  EXPECT_EQ(config->revision(), 2);
  EXPECT_TRUE(MessageDifferencer::Equals(config->config().global_quant_config(), scheme.config()));

  v1::GetSchemeRequest get;
  get.set_name("mine");
  const auto read = server_.client().GetScheme(get);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(MessageDifferencer::Equals(read->scheme(), scheme));
  const auto list = server_.client().ListSchemes({});
  EXPECT_EQ(list->total_size(), 28);
  EXPECT_EQ(list->schemes().rbegin()->name(), "mine") << "it follows the catalogue's schemes";
}

TEST_F(RegistryServiceTest, OutputOnlyFieldsAreIgnored) {
  const auto registered = RegisterInt8("mine", "");
  const auto other = RegisterScheme(absl::StrCat("scheme { name: 'other' etag: 'x' origin: REGISTRY_ORIGIN_BUILTIN ",
                                                 "alias_of: 'fp8' create_time { seconds: 1 } ", kInt8Weight, "}"));
  ASSERT_TRUE(registered.ok() && other.ok());
  EXPECT_EQ(other->scheme().etag(), "3");
  EXPECT_EQ(other->scheme().alias_of(), "");
  EXPECT_EQ(other->scheme().origin(), v1::REGISTRY_ORIGIN_TENANT);
  EXPECT_GT(other->scheme().create_time().seconds(), 1);
}

TEST_F(RegistryServiceTest, RejectsExistingNames) {
  ASSERT_TRUE(RegisterInt8("mine").ok());
  for (const char* name : {"mine", "fp8", "mx9"}) {  // mx9 is only in a later catalogue
    const auto taken = RegisterInt8(name);
    EXPECT_EQ(ReceivedReasonAndField(taken.status()), "SCHEME_EXISTS at scheme.name") << name;
    EXPECT_EQ(taken.status().code(), absl::StatusCode::kAlreadyExists);
  }
  EXPECT_EQ(RegisterInt8("again")->revision(), 3) << "a rejected write creates no revision";
}

TEST_F(RegistryServiceTest, RejectsInvalidNames) {
  for (const std::string& name : {std::string(), std::string(129, 'x'), std::string("a\\nb"),
                                  std::string("a\\302\\240b"), std::string("a\\342\\200\\256b")}) {
    EXPECT_EQ(ReceivedReasonAndField(RegisterInt8(name).status()), "INVALID_REQUEST at scheme.name") << name;
    EXPECT_EQ(
        ReceivedReasonAndField(RegisterTemplate(absl::StrCat("llm_template { model_type: '", name, "' }")).status()),
        "INVALID_REQUEST at llm_template.model_type")
        << name;
  }
  EXPECT_TRUE(RegisterInt8(std::string(128, 'x')).ok());
  EXPECT_TRUE(RegisterInt8("größe 4/bit 😀").ok());
}

TEST_F(RegistryServiceTest, SchemeRequiresEitherConfigOrSpec) {
  EXPECT_EQ(ReceivedReasonAndField(RegisterScheme("scheme { name: 'x' }").status()), "INVALID_REQUEST at scheme");
  EXPECT_EQ(
      ReceivedReasonAndField(RegisterScheme(absl::StrCat("scheme { name: 'x' config {} ", kInt8Weight, "}")).status()),
      "INVALID_REQUEST at scheme");
  EXPECT_TRUE(RegisterScheme("scheme { name: 'nothing' config {} }").ok()) << "Quark accepts an empty layer";
}

TEST_F(RegistryServiceTest, InvalidTensorErrorsNameTheRule) {
  const auto rejected = RegisterScheme("scheme { name: 'x' config { weight { dtype: DTYPE_INT8 } } }");
  EXPECT_EQ(ReceivedReasonAndField(rejected.status()), "INVALID_TENSOR_CONFIG at scheme.config.weight[0].is_dynamic");
  EXPECT_EQ(client::ErrorOf(rejected.status()).metadata().at("rule"), "is_dynamic_required");
}

TEST_F(RegistryServiceTest, UnregisteredSchemeIsNotFound) {
  ASSERT_TRUE(RegisterInt8("mine").ok());
  const auto removed = UnregisterScheme("name: 'mine'");
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_EQ(removed->revision(), 3);
  EXPECT_EQ(removed->scheme().name(), "mine");
  EXPECT_TRUE(removed->scheme().has_config());
  EXPECT_EQ(ReceivedReasonAndField(GetConfig("spec { model_type: 'llama' scheme: 'mine' }").status()),
            "SCHEME_NOT_FOUND at spec.scheme");
  EXPECT_EQ(ReceivedReasonAndField(UnregisterScheme("name: 'mine'").status()), "SCHEME_NOT_FOUND at name");
  EXPECT_TRUE(RegisterInt8("mine").ok());
}

TEST_F(RegistryServiceTest, RemovingAnUnknownNameSuggestsTheTenantsEntries) {
  ASSERT_TRUE(RegisterInt8("mine").ok());
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'own' }").ok());
  const auto scheme = UnregisterScheme("name: 'mane'");
  EXPECT_THAT(client::ErrorOf(scheme.status()).detail().suggestions(), ElementsAre("mine"));
  EXPECT_THAT(client::ErrorOf(scheme.status()).detail().allowed(), ElementsAre("mine"))
      << "without the catalogue's schemes";
  EXPECT_THAT(client::ErrorOf(UnregisterTemplate("model_type: 'ovn'").status()).detail().suggestions(),
              ElementsAre("own"));
}

TEST_F(RegistryServiceTest, BuiltInEntriesCannotBeRemoved) {
  for (const char* name : {"fp8", "mx9"}) {
    const auto rejected = UnregisterScheme(absl::StrCat("name: '", name, "'"));
    EXPECT_EQ(ReceivedReasonAndField(rejected.status()), "BUILTIN_READ_ONLY at name");
    EXPECT_THAT(client::ErrorOf(rejected.status()).detail().advice(), HasSubstr("register a scheme with another name"));
    EXPECT_EQ(rejected.status().code(), absl::StatusCode::kFailedPrecondition);
  }
  EXPECT_EQ(ReceivedReasonAndField(UnregisterTemplate("model_type: 'llama'").status()),
            "BUILTIN_READ_ONLY at model_type");
  EXPECT_EQ(ReceivedReasonAndField(UnregisterTemplate("model_type: 'nope'").status()),
            "TEMPLATE_NOT_FOUND at model_type");
}

TEST_F(RegistryServiceTest, TemplateShadowsTheBuiltInUntilItIsRemoved) {
  const auto builtin = GetConfig("spec { model_type: 'llama' scheme: 'fp8' }");
  const auto registered = RegisterTemplate("llm_template { model_type: 'llama' exclude_layers_name: 'mine' }");
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_TRUE(registered->shadows_builtin());
  EXPECT_FALSE(registered->replaced());
  EXPECT_THAT(GetConfig("spec { model_type: 'llama' scheme: 'fp8' }")->config().exclude(),
              ElementsAre("mine.*", "mine"));
  v1::GetTemplateRequest get;
  get.set_model_type("llama");
  EXPECT_TRUE(server_.client().GetTemplate(get)->llm_template().shadows_builtin());
  EXPECT_EQ(server_.client().ListTemplates({})->total_size(), 41) << "it replaces the built-in template in the list";

  const auto removed = UnregisterTemplate("model_type: 'llama'");
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_TRUE(removed->llm_template().shadows_builtin());
  EXPECT_EQ(GetConfig("spec { model_type: 'llama' scheme: 'fp8' }")->config_digest(), builtin->config_digest());
}

TEST_F(RegistryServiceTest, ReplacedTemplateKeepsItsPlaceAndCreateTime) {
  const auto first = RegisterTemplate("llm_template { model_type: 'one' }");
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'two' }").ok());
  const auto again = RegisterTemplate("llm_template { model_type: 'one' description: 'new' }");
  ASSERT_TRUE(first.ok() && again.ok());
  EXPECT_TRUE(again->replaced());
  EXPECT_FALSE(again->shadows_builtin());
  EXPECT_TRUE(MessageDifferencer::Equals(again->llm_template().create_time(), first->llm_template().create_time()));
  EXPECT_NE(again->llm_template().etag(), first->llm_template().etag());
  const auto list = server_.client().ListTemplates({});
  EXPECT_EQ(list->llm_templates(41).model_type(), "one");
  EXPECT_EQ(list->llm_templates(42).model_type(), "two");
}

TEST_F(RegistryServiceTest, AlgorithmsOfTemplatesAreValidatedAndCompleted) {
  const std::string gptq = "llm_template { model_type: 'm' algorithm_configs { algorithm: 'GPTQ' config { gptq { ";
  const auto registered = RegisterTemplate(gptq + "static_groups: true } } } }");
  ASSERT_TRUE(registered.ok()) << registered.status();
  EXPECT_EQ(registered->llm_template().algorithm_configs(0).algorithm(), "gptq");
  EXPECT_TRUE(registered->llm_template().algorithm_configs(0).config().gptq().has_block_size());
  EXPECT_TRUE(GetConfig("spec { model_type: 'm' scheme: 'fp8' algorithm: 'gptq' }").ok());

  const std::string path = "llm_template.algorithm_configs[0].";
  EXPECT_EQ(ReceivedReasonAndField(RegisterTemplate(gptq + "static_groups: false } } } }").status()),
            "INVALID_ALGORITHM_CONFIG at " + path + "config.gptq.static_groups");
  EXPECT_EQ(ReceivedReasonAndField(
                RegisterTemplate("llm_template { model_type: 'm' algorithm_configs { algorithm: 'gtpq' } }").status()),
            "UNSUPPORTED_ALGORITHM at " + path + "algorithm");
  EXPECT_EQ(ReceivedReasonAndField(
                RegisterTemplate("llm_template { model_type: 'm' algorithm_configs { algorithm: 'awq' config "
                                 "{ gptq {} } } }")
                    .status()),
            "INVALID_REQUEST at " + path + "config");
  EXPECT_EQ(ReceivedReasonAndField(RegisterTemplate("llm_template { model_type: 'm' "
                                                    "algorithm_configs { algorithm: 'awq' config { awq {} } } "
                                                    "algorithm_configs { algorithm: 'AWQ' config { awq {} } } }")
                                       .status()),
            "INVALID_REQUEST at llm_template.algorithm_configs[1].algorithm");
}

TEST_F(RegistryServiceTest, EtagsGuardWrites) {
  const auto first = RegisterTemplate("llm_template { model_type: 'm' }");
  ASSERT_TRUE(first.ok());
  const std::string etag = first->llm_template().etag();
  const auto second = RegisterTemplate(absl::StrCat("llm_template { model_type: 'm' } etag: '", etag, "'"));
  ASSERT_TRUE(second.ok()) << second.status();
  const auto stale = RegisterTemplate(absl::StrCat("llm_template { model_type: 'm' } etag: '", etag, "'"));
  EXPECT_EQ(ReceivedReasonAndField(stale.status()), "ETAG_MISMATCH at etag");
  EXPECT_EQ(stale.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(
      ReceivedReasonAndField(RegisterTemplate(absl::StrCat("llm_template { model_type: 'new' } etag: '1'")).status()),
      "ETAG_MISMATCH at etag");
  EXPECT_EQ(ReceivedReasonAndField(UnregisterTemplate(absl::StrCat("model_type: 'm' etag: '", etag, "'")).status()),
            "ETAG_MISMATCH at etag");
  EXPECT_TRUE(UnregisterTemplate(absl::StrCat("model_type: 'm' etag: '", second->llm_template().etag(), "'")).ok());
  ASSERT_TRUE(RegisterInt8("mine").ok());
  EXPECT_EQ(ReceivedReasonAndField(UnregisterScheme("name: 'mine' etag: 'x'").status()), "ETAG_MISMATCH at etag");
}

TEST_F(RegistryServiceTest, OnlyOneWriterSucceedsWithAnEtag) {
  std::string etag = RegisterTemplate("llm_template { model_type: 'm' }")->llm_template().etag();
  constexpr int kRounds = 10;
  constexpr int kWriters = 8;
  for (int round = 0; round < kRounds; ++round) {
    std::atomic<int> won = 0;
    std::string next_etag;
    absl::Notification start;
    std::vector<std::thread> writers;
    for (int i = 0; i < kWriters; ++i) {
      writers.emplace_back([&, i] {
        start.WaitForNotification();
        const auto written = RegisterTemplate(
            absl::StrCat("llm_template { model_type: 'm' description: '", i, "' } etag: '", etag, "'"));
        if (written.ok()) {
          ++won;
          next_etag = written->llm_template().etag();
        } else {
          EXPECT_EQ(ReceivedReasonAndField(written.status()), "ETAG_MISMATCH at etag");
        }
      });
    }
    start.Notify();
    for (std::thread& writer : writers) writer.join();
    ASSERT_EQ(won, 1);
    etag = next_etag;
  }
  EXPECT_EQ(etag, absl::StrCat(2 + kRounds));
}

TEST_F(RegistryServiceTest, ConcurrentWritersOfOneTenantAllSucceed) {
  constexpr int kWriters = 8;
  constexpr int kEach = 10;
  absl::Notification start;
  std::vector<std::thread> writers;
  std::vector<std::vector<int64_t>> revisions(kWriters);
  for (int i = 0; i < kWriters; ++i) {
    writers.emplace_back([&, i] {
      start.WaitForNotification();
      for (int n = 0; n < kEach; ++n) {
        const auto written = RegisterInt8(absl::StrCat("s", i, "-", n));
        ASSERT_TRUE(written.ok()) << written.status();
        // Later reads see acknowledged writes.
        EXPECT_TRUE(GetConfig(absl::StrCat("spec { model_type: 'llama' scheme: 's", i, "-", n, "' }")).ok());
        revisions[static_cast<size_t>(i)].push_back(written->revision());
      }
    });
  }
  start.Notify();
  for (std::thread& writer : writers) writer.join();
  std::set<int64_t> all;
  for (const auto& some : revisions) all.insert(some.begin(), some.end());
  EXPECT_EQ(all.size(), static_cast<size_t>(kWriters * kEach));
  EXPECT_EQ(*all.begin(), 2);
  EXPECT_EQ(*all.rbegin(), 1 + kWriters * kEach);
}

TEST_F(RegistryServiceTest, RepeatedRequestIdIsAppliedOnce) {
  const std::string id = absl::StrCat("request_id: '", kUuid, "'");
  const auto first = RegisterInt8("mine", id);
  const auto again = RegisterInt8("mine", id);
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  const auto other = RegisterInt8("other", id);
  EXPECT_EQ(ReceivedReasonAndField(other.status()), "REQUEST_ID_REUSED at request_id");
  EXPECT_EQ(ReceivedReasonAndField(UnregisterScheme("name: 'mine' " + id).status()), "REQUEST_ID_REUSED at request_id");
  EXPECT_EQ(ReceivedReasonAndField(RegisterInt8("other", "request_id: 'abc'").status()),
            "INVALID_REQUEST at request_id");
  EXPECT_TRUE(RegisterInt8("mine", id + "tenant: 'other'").ok()) << "IDs are separate for each tenant";
}

TEST_F(RegistryServiceTest, RequestIdIsValidForOneMethod) {
  const std::string id = absl::StrCat("request_id: '", kUuid, "'");
  ASSERT_TRUE(RegisterInt8("mine").ok());
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'mine' }").ok());
  ASSERT_TRUE(UnregisterScheme("name: 'mine' " + id).ok());
  // The same bytes as the previous request, with a different method.
  EXPECT_EQ(ReceivedReasonAndField(UnregisterTemplate("model_type: 'mine' " + id).status()),
            "REQUEST_ID_REUSED at request_id");
}

TEST_F(RegistryServiceTest, RequestIdIsCaseInsensitive) {
  const auto first = RegisterInt8("mine", absl::StrCat("request_id: '", kUuid, "'"));
  const auto again = RegisterInt8("mine", absl::StrCat("request_id: '", absl::AsciiStrToUpper(kUuid), "'"));
  ASSERT_TRUE(first.ok() && again.ok()) << again.status();
  EXPECT_EQ(again->revision(), first->revision());
}

TEST_F(RegistryServiceTest, RequestsAreEqualRegardlessOfMapOrder) {
  const auto request = [](const std::vector<int>& order) {
    std::string text = absl::StrCat("scheme { name: 'mine' config {} ");
    for (const int i : order) absl::StrAppend(&text, "labels { key: 'label-", i, "' value: 'v' } ");
    return absl::StrCat(text, "} request_id: '", kUuid, "'");
  };
  const std::vector<std::vector<int>> orders = {
      {1, 2, 3, 4, 5, 6, 7, 8}, {8, 7, 6, 5, 4, 3, 2, 1}, {4, 1, 8, 2, 7, 3, 6, 5}};
  for (const std::vector<int>& order : orders) {
    const auto registered = RegisterScheme(request(order));
    ASSERT_TRUE(registered.ok()) << registered.status();
    EXPECT_EQ(registered->revision(), 2);
  }
}

TEST_F(RegistryServiceTest, ValidateOnlyIgnoresRequestIds) {
  const std::string id = absl::StrCat("request_id: '", kUuid, "'");
  ASSERT_TRUE(RegisterInt8("mine", id).ok());
  const auto valid = RegisterInt8("other", id + "validate_only: true");
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->scheme().name(), "other");
}

TEST_F(RegistryServiceTest, RepeatedRemovalsAndReplacementsReturnTheFirstAnswer) {
  ASSERT_TRUE(RegisterTemplate("llm_template { model_type: 'm' }").ok());
  const std::string put = absl::StrCat("llm_template { model_type: 'm' description: 'x' } request_id: '", kUuid, "'");
  const auto replaced = RegisterTemplate(put);
  const std::string remove = absl::StrCat("model_type: 'm' request_id: '", kOtherUuid, "'");
  const auto removed = UnregisterTemplate(remove);
  ASSERT_TRUE(replaced.ok() && removed.ok());
  EXPECT_TRUE(replaced->replaced());
  EXPECT_EQ(RegisterTemplate(put)->SerializeAsString(), replaced->SerializeAsString());
  EXPECT_EQ(UnregisterTemplate(remove)->SerializeAsString(), removed->SerializeAsString());
}

TEST_F(RegistryServiceTest, ConcurrentRepeatsAreAppliedOnce) {
  const std::string id = absl::StrCat("request_id: '", kUuid, "'");
  std::vector<std::thread> callers;
  std::vector<int64_t> revisions(8);
  for (int64_t& revision : revisions) {
    callers.emplace_back([&] { revision = RegisterInt8("mine", id)->revision(); });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_THAT(revisions, testing::Each(2));
}

TEST_F(RegistryServiceTest, ValidateOnlyStoresNothing) {
  const auto valid = RegisterInt8("mine", "validate_only: true");
  ASSERT_TRUE(valid.ok()) << valid.status();
  EXPECT_EQ(valid->revision(), 1);
  EXPECT_TRUE(valid->scheme().has_config());
  EXPECT_EQ(ReceivedReasonAndField(RegisterInt8("fp8", "validate_only: true").status()),
            "SCHEME_EXISTS at scheme.name");
  EXPECT_EQ(ReceivedReasonAndField(GetConfig("spec { model_type: 'llama' scheme: 'mine' }").status()),
            "SCHEME_NOT_FOUND at spec.scheme");
  ASSERT_TRUE(RegisterInt8("mine").ok());
  EXPECT_EQ(UnregisterScheme("name: 'mine' validate_only: true")->revision(), 2);
  EXPECT_TRUE(GetConfig("spec { model_type: 'llama' scheme: 'mine' }").ok());
}

TEST(RegistryQuotaTest, LimitsEntriesAndBytesOfATenant) {
  Limits limits;
  limits.tenant_entries = 2;
  limits.tenant_bytes = 1000;
  TestServer server(limits);
  const auto put_scheme = [&](const std::string& name) {
    return server.client()
        .RegisterScheme(
            Proto<v1::RegisterSchemeRequest>(absl::StrCat("scheme { name: '", name, "' ", kInt8Weight, "}")))
        .status();
  };
  const auto put_template = [&](const std::string& name, size_t bytes) {
    v1::RegisterTemplateRequest request;
    request.mutable_llm_template()->set_model_type(name);
    request.mutable_llm_template()->set_description(std::string(bytes, 'x'));
    return server.client().RegisterTemplate(request).status();
  };
  EXPECT_EQ(ReceivedReasonAndField(put_scheme("one")), "OK");
  EXPECT_EQ(ReceivedReasonAndField(put_template("m", 1000)), "QUOTA_EXCEEDED at llm_template");
  EXPECT_EQ(ReceivedReasonAndField(put_template("m", 500)), "OK");
  EXPECT_EQ(ReceivedReasonAndField(put_template("m", 600)), "OK") << "the replaced entry does not count";
  EXPECT_EQ(ReceivedReasonAndField(put_template("n", 1)), "QUOTA_EXCEEDED at llm_template");
  EXPECT_EQ(ReceivedReasonAndField(put_scheme("two")), "QUOTA_EXCEEDED at scheme");
  EXPECT_EQ(put_scheme("two").code(), absl::StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace qconfig
