// SPDX-License-Identifier: Apache-2.0
//
// Calls of ConfigService and RegistryService, without a transport, on a registry in memory. Input: frames, one for each
// call. The tag modulo the number of methods selects the method; the bytes are the request.
#include <google/protobuf/descriptor.h>
#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/util/message_differencer.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "core/builtin_catalogs.h"
#include "core/error.h"
#include "core/limits.h"
#include "server/app/service_handlers.h"
#include "server/base/clock.h"
#include "server/registry/registry.h"
#include "server/registry/storage/memory_store.h"
#include "server/rpc/wire_status.h"
#include "server/services/config_service.h"
#include "server/services/registry_service.h"
#include "tests/fuzz/frames.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

constexpr size_t kMaxCalls = 6;

// Small, so that inputs reach them.
Limits SmallLimits() {
  Limits limits;
  limits.answer_bytes = 1u << 20;
  limits.tenant_entries = 4;
  limits.tenant_bytes = 16u << 10;
  limits.list_entries = 64;
  limits.batch_items = 8;
  limits.entry_bytes = 8u << 10;
  limits.plan_modules = 256;
  limits.plan_name_bytes = 16u << 10;
  limits.plan_steps = 5'000'000;
  return limits;
}

Clock FixedClock() {
  return Clock([] { return absl::FromUnixSeconds(1'800'000'000); }, [] { return absl::Seconds(1); });
}

// A server without a transport.
class Services {
 public:
  Services() : store_(HistoryLimits{/*max_changes=*/4}, FixedClock()), registry_(Settings(), store_) {
    HandlerTable handlers = ServiceHandlers(config_, writes_, nullptr);
    for (QueuedMethod& method : handlers.queued) methods_.emplace_back(method.path, std::move(method.handler));
    for (SyncMethod& method : handlers.sync) methods_.emplace_back(method.path, std::move(method.handler));
  }

  size_t size() const { return methods_.size(); }
  const std::string& path(size_t method) const { return methods_[method].first; }

  absl::StatusOr<std::string> Call(size_t method, absl::string_view request) const {
    CallContext call;
    call.method = path(method);
    call.peer = "ipv4:127.0.0.1:1";
    call.request_id = "fuzz";
    call.deadline = absl::InfiniteDuration();
    call.is_cancelled = [] { return false; };
    return methods_[method].second(call, request);
  }

 private:
  static RegistrySettings Settings() {
    static const auto* const kCatalogs = new Catalogs(*LoadBuiltinCatalogs());
    RegistrySettings settings;
    settings.catalogs = *kCatalogs;
    settings.default_catalog = std::string(kDefaultCatalog);
    settings.limits = SmallLimits();
    settings.max_wait = absl::ZeroDuration();
    settings.clock = FixedClock();
    return settings;
  }

  MemoryStore store_;
  Registry registry_;
  const ConfigService config_{registry_, SmallLimits(), FixedClock(), std::make_shared<FairTurns>()};
  const RegistryService writes_{registry_};
  std::vector<std::pair<std::string, BytesMethod>> methods_;
};

// The methods in the order of Services.
const std::vector<const MethodDescriptor*>& Methods() {
  static const auto* const kMethods = [] {
    const Services services;
    auto* const methods = new std::vector<const MethodDescriptor*>;
    for (size_t i = 0; i < services.size(); ++i) {
      std::string name = services.path(i);
      name[name.find('/')] = '.';
      methods->push_back(google::protobuf::DescriptorPool::generated_pool()->FindMethodByName(name));
    }
    return methods;
  }();
  return *kMethods;
}

std::unique_ptr<Message> MakeMessage(const google::protobuf::Descriptor& type) {
  return std::unique_ptr<Message>(google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
}

std::unique_ptr<Message> MakeRequest(uint8_t tag) {
  return MakeMessage(*Methods()[tag % Methods().size()]->input_type());
}

const fuzz::MessageMutator& Mutator() {
  static const auto* const kMutator = new fuzz::MessageMutator(fuzz::CatalogWords());
  return *kMutator;
}

// Every failure tells the client what to do, and fits into trailers.
void CheckFailure(const MethodDescriptor& method, const absl::Status& status) {
  const std::string details = absl::StrCat(method.full_name(), ": ", status.ToString());
  const v1::ItemError error = ItemErrorOf(status);
  FUZZ_CHECK(error.reason() != v1::ERROR_REASON_UNSPECIFIED, details);
  FUZZ_CHECK(!absl::IsInternal(status) && !absl::IsUnknown(status) && !status.message().empty(), details);
  v1::ItemError again;
  FUZZ_CHECK(again.ParseFromString(error.SerializeAsString()), details);  // fails for text that is not UTF-8
  const grpc::Status wire = ToGrpcStatus(status);
  FUZZ_CHECK(static_cast<int>(wire.error_code()) == static_cast<int>(status.code()), details);
  FUZZ_CHECK(ErrorBytesOnWire(wire) <= kMaxErrorBytes, details);
}

std::unique_ptr<Message> ParseAnswer(const MethodDescriptor& method, const std::string& answer) {
  auto response = MakeMessage(*method.output_type());
  FUZZ_CHECK(response->ParseFromString(answer), method.full_name());
  return response;
}

// The difference between two messages, whose maps may be serialized in any order; empty if there is none.
std::string Difference(const Message& one, const Message& other) {
  std::string difference;
  google::protobuf::util::MessageDifferencer differencer;
  differencer.ReportDifferencesToString(&difference);
  differencer.Compare(one, other);
  return difference;
}

std::string Difference(const MethodDescriptor& method, const absl::StatusOr<std::string>& one,
                       const absl::StatusOr<std::string>& other) {
  if (!one.ok() || !other.ok()) return Difference(ItemErrorOf(one.status()), ItemErrorOf(other.status()));
  return *one == *other ? "" : Difference(*ParseAnswer(method, *one), *ParseAnswer(method, *other));
}

// A batch of one item has the answer of the item.
void CheckBatch(const Services& services, absl::string_view bytes, const absl::StatusOr<std::string>& answer) {
  v1::BatchGetConfigRequest batch;
  if (!batch.add_requests()->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return;
  constexpr size_t kBatchGetConfig = 1;
  const auto batched = services.Call(kBatchGetConfig, batch.SerializeAsString());
  FUZZ_CHECK(batched.ok(), batched.status().ToString());
  v1::BatchGetConfigResponse results;
  FUZZ_CHECK(results.ParseFromString(*batched) && results.results_size() == 1, *batched);
  const v1::BatchGetConfigResult& result = results.results(0);
  FUZZ_CHECK(result.has_response() == answer.ok(), batch.DebugString());
  if (!answer.ok()) {
    FUZZ_CHECK(result.error().reason() == ItemErrorOf(answer.status()).reason(), result.error().DebugString());
    return;
  }
  v1::GetConfigResponse response;
  FUZZ_CHECK(response.ParseFromString(*answer), *answer);
  FUZZ_CHECK(google::protobuf::util::MessageDifferencer::Equals(response, result.response()), batch.DebugString());
  FUZZ_CHECK(response.config_digest().size() == 64, batch.DebugString());
}

void CheckCall(const Services& services, const fuzz::Frame& frame) {
  const size_t index = frame.tag % services.size();
  const MethodDescriptor& method = *Methods()[index];
  const auto answer = services.Call(index, frame.bytes);
  answer.ok() ? (void)ParseAnswer(method, *answer) : CheckFailure(method, answer.status());
  if (method.options().idempotency_level() != google::protobuf::MethodOptions::NO_SIDE_EFFECTS) return;
  const auto again = services.Call(index, frame.bytes);
  FUZZ_CHECK(again.ok() == answer.ok(), again.status().ToString());
  const std::string difference = Difference(method, answer, again);
  FUZZ_CHECK(difference.empty(), absl::StrCat(method.full_name(), ": ", difference));
  if (method.name() == "GetConfig") CheckBatch(services, frame.bytes, answer);
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static const auto kSilent = google::protobuf::SetLogHandler(nullptr);
  (void)kSilent;
  const Services services;
  const auto frames = fuzz::DecodeFrames(fuzz::AsText(data, size));
  for (size_t i = 0; i < frames.size() && i < kMaxCalls; ++i) CheckCall(services, frames[i]);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  return qconfig::fuzz::MutateFrames(data, size, max_size, seed, qconfig::Mutator(), &qconfig::MakeRequest);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* one, size_t one_size, const uint8_t* other,
                                            size_t other_size, uint8_t* out, size_t max_size, unsigned seed) {
  return qconfig::fuzz::JoinFrames(qconfig::fuzz::AsText(one, one_size), qconfig::fuzz::AsText(other, other_size), out,
                                   max_size, seed);
}
