// SPDX-License-Identifier: Apache-2.0
//
// Calls a unary gRPC method with stored request bytes, from one thread, and prints the figures as one line of JSON.
// Closed loop: a fixed number of calls is always outstanding. Open loop (--rate): calls start on a schedule, however
// slow the answers are, and latency is measured from the scheduled time.
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"

namespace qconfig {
namespace {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;

struct Settings {
  std::string target;
  std::string method = "/qconfig.v1.ConfigService/GetConfig";
  std::vector<std::string> request_files;
  std::string answer_file;
  std::string token;
  size_t connections = 1;
  size_t outstanding = 1;
  double rate = 0;
  int64_t calls = 0;
  double seconds = 1;
  double warm_up = 0.2;
  int64_t deadline_ms = 0;
  int64_t numbers = 100'000'000;
  pid_t server = 0;
};

// The step between the numbers of two requests, large enough to defeat the processor's caches. It is prime, so that
// every number is used.
constexpr int64_t kStride = 7919;

Clock::duration Seconds(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

double Micros(Clock::duration time) { return std::chrono::duration<double, std::micro>(time).count(); }

std::string ReadFile(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double CpuMicros(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) throw std::runtime_error("the process given by --server-pid has ended");
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// CPU time of all threads of `process`, including threads that have ended. 0 is this process.
clockid_t CpuClock(pid_t process) {
  clockid_t clock{};
  if (clock_getcpuclockid(process, &clock) != 0) throw std::runtime_error("--server-pid: no such process");
  return clock;
}

// The bytes of a request with placeholders for a number. Bytes without a placeholder are never copied.
class Request {
 public:
  explicit Request(std::string bytes) : bytes_(std::move(bytes)) {
    for (size_t at = 0; (at = bytes_.find(kPlace, at)) != std::string::npos; at += kPlace.size()) places_.push_back(at);
    const grpc::Slice slice(bytes_.data(), bytes_.size());
    fixed_ = grpc::ByteBuffer(&slice, 1);
  }

  grpc::ByteBuffer WithNumber(int64_t number) {
    if (places_.empty()) return fixed_;
    const std::string digits = absl::StrFormat("%08d", number);
    for (const size_t place : places_) bytes_.replace(place, digits.size(), digits);
    const grpc::Slice slice(bytes_.data(), bytes_.size());
    return grpc::ByteBuffer(&slice, 1);
  }

 private:
  inline static const std::string kPlace = "########";
  std::string bytes_;
  std::vector<size_t> places_;
  grpc::ByteBuffer fixed_;
};

struct Call {
  TimePoint due;
  std::optional<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<grpc::ByteBuffer>> reader;
  grpc::ByteBuffer answer;
  grpc::Status status;
};

// The figures of one measurement.
struct Counts {
  explicit Counts(TimePoint at, clockid_t server_clock)
      : start(at), own_cpu(CpuMicros(CLOCK_PROCESS_CPUTIME_ID)), server_cpu(CpuMicros(server_clock)) {}

  TimePoint start;
  double own_cpu;
  double server_cpu;
  int64_t begun = 0;
  int64_t ended = 0;
  int64_t answer_bytes = 0;
  int64_t not_begun = 0;  // calls that were due while too many were outstanding
  std::map<std::string, int64_t> failed;
  std::vector<float> latencies;  // of the calls that succeeded
};

class LoadGenerator {
 public:
  explicit LoadGenerator(const Settings& settings)
      : settings_(settings),
        server_clock_(CpuClock(settings.server)),
        counts_(Clock::now(), server_clock_),
        calls_(settings.outstanding) {
    for (const std::string& file : settings.request_files) requests_.emplace_back(ReadFile(file));
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // otherwise all channels share a connection
    arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
    arguments.SetMaxReceiveMessageSize(-1);
    for (size_t i = 0; i < settings.connections; ++i) {
      auto channel = grpc::CreateCustomChannel(settings.target, grpc::InsecureChannelCredentials(), arguments);
      if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
        throw std::runtime_error("cannot connect to " + settings.target);
      }
      stubs_.push_back(std::make_unique<grpc::GenericStub>(std::move(channel)));
    }
    for (Call& call : calls_) idle_.push_back(&call);
  }

  // Makes one call and writes its answer to a file.
  void SaveAnswer() {
    Begin(Clock::now());
    void* tag = nullptr;
    bool ok = false;
    queue_.Next(&tag, &ok);
    const Call& call = *static_cast<Call*>(tag);
    if (!call.status.ok()) {
      throw std::runtime_error(absl::StrFormat("status %d: %s", call.status.error_code(), call.status.error_message()));
    }
    std::vector<grpc::Slice> slices;
    if (!call.answer.Dump(&slices).ok()) throw std::runtime_error("cannot read the answer");
    std::ofstream file(settings_.answer_file, std::ios::binary);
    for (const grpc::Slice& slice : slices) {
      file.write(reinterpret_cast<const char*>(slice.begin()), static_cast<std::streamsize>(slice.size()));
    }
  }

  nlohmann::json Run() {
    if (settings_.calls > 0) {
      RunCalls(settings_.calls);
      return Report();
    }
    next_due_ = Clock::now();
    RunUntil(Clock::now() + Seconds(settings_.warm_up));
    counts_ = Counts(Clock::now(), server_clock_);
    RunUntil(counts_.start + Seconds(settings_.seconds));
    const nlohmann::json report = Report();
    for (Call& call : calls_) {
      if (call.context.has_value()) call.context->TryCancel();
    }
    while (idle_.size() < calls_.size()) Take(TimePoint::max());
    return report;
  }

 private:
  void Begin(TimePoint due) {
    Call& call = *idle_.back();
    idle_.pop_back();
    call.due = due;
    call.context.emplace();
    if (!settings_.token.empty()) call.context->AddMetadata("authorization", "Bearer " + settings_.token);
    if (settings_.deadline_ms > 0) {
      call.context->set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(settings_.deadline_ms));
    }
    ++counts_.begun;
    const size_t number = begun_++;
    Request& request = requests_[number % requests_.size()];
    call.reader = stubs_[number % stubs_.size()]->PrepareUnaryCall(
        &*call.context, settings_.method,
        request.WithNumber(static_cast<int64_t>(number) * kStride % settings_.numbers), &queue_);
    call.reader->StartCall();
    call.reader->Finish(&call.answer, &call.status, &call);
  }

  // Waits until a call ends, but not longer than until `end`.
  void Take(TimePoint end) {
    void* tag = nullptr;
    bool ok = false;
    const auto wait = std::chrono::system_clock::now() + std::min<Clock::duration>(end - Clock::now(), Seconds(3600));
    if (queue_.AsyncNext(&tag, &ok, wait) != grpc::CompletionQueue::GOT_EVENT) return;
    Call& call = *static_cast<Call*>(tag);
    ++counts_.ended;
    if (call.status.ok()) {
      counts_.answer_bytes += static_cast<int64_t>(call.answer.Length());
      counts_.latencies.push_back(static_cast<float>(Micros(Clock::now() - call.due)));
    } else {
      ++counts_.failed[std::to_string(call.status.error_code())];
    }
    call.answer.Clear();
    call.reader.reset();
    call.context.reset();
    idle_.push_back(&call);
  }

  // Makes exactly `calls` calls in the closed loop.
  void RunCalls(int64_t calls) {
    while (counts_.ended < calls) {
      while (!idle_.empty() && counts_.begun < calls) Begin(Clock::now());
      Take(Clock::now() + Seconds(1));
    }
  }

  // In the closed loop, continues past `end` until as many calls have ended as are outstanding.
  void RunUntil(TimePoint end) {
    const bool is_open_loop = settings_.rate > 0;
    const int64_t calls = is_open_loop ? 0 : counts_.ended + static_cast<int64_t>(settings_.outstanding);
    const Clock::duration interval = is_open_loop ? Seconds(1 / settings_.rate) : Clock::duration::zero();
    for (TimePoint now = Clock::now(); now < end || counts_.ended < calls; now = Clock::now()) {
      if (is_open_loop) {
        for (; next_due_ <= now; next_due_ += interval) {
          if (idle_.empty()) {
            ++counts_.not_begun;
          } else {
            Begin(next_due_);
          }
        }
      } else {
        while (!idle_.empty()) Begin(Clock::now());
      }
      Take(is_open_loop ? std::min(end, next_due_) : std::max(end, now + Seconds(1)));
    }
  }

  nlohmann::json Report() {
    const double seconds = Micros(Clock::now() - counts_.start) / 1e6;
    std::vector<float>& latencies = counts_.latencies;
    std::sort(latencies.begin(), latencies.end());
    const auto percentile = [&latencies](double part) -> nlohmann::json {
      if (latencies.empty()) return nullptr;
      return latencies[static_cast<size_t>(static_cast<double>(latencies.size() - 1) * part)];
    };
    const auto answered = static_cast<double>(latencies.size());
    const auto ended = static_cast<double>(std::max<int64_t>(counts_.ended, 1));
    nlohmann::json report = {
        {"seconds", seconds},
        {"begun", counts_.begun},
        {"calls", counts_.ended},
        {"answered", latencies.size()},
        {"failed", counts_.failed},
        {"not_begun", counts_.not_begun},
        {"calls_per_s", answered / seconds},
        {"p50_us", percentile(0.5)},
        {"p99_us", percentile(0.99)},
        {"answer_bytes", answered > 0 ? static_cast<double>(counts_.answer_bytes) / answered : 0},
        {"own_cpu_us_per_call", (CpuMicros(CLOCK_PROCESS_CPUTIME_ID) - counts_.own_cpu) / ended},
    };
    if (settings_.server != 0) {
      report["server_cpu_us_per_call"] = (CpuMicros(server_clock_) - counts_.server_cpu) / ended;
    }
    return report;
  }

  const Settings& settings_;
  const clockid_t server_clock_;
  Counts counts_;
  std::vector<Request> requests_;
  std::vector<std::unique_ptr<grpc::GenericStub>> stubs_;
  grpc::CompletionQueue queue_;
  std::vector<Call> calls_;
  std::vector<Call*> idle_;
  size_t begun_ = std::random_device()();  // a random start, so that a server that ran before gets new numbers too
  TimePoint next_due_;
};

}  // namespace
}  // namespace qconfig

int main(int argc, char** argv) {
  qconfig::Settings settings;
  CLI::App app("Calls a unary gRPC method repeatedly and prints the figures as JSON");
  app.add_option("--target", settings.target, "host:port")->required();
  app.add_option("--method", settings.method, "Path of the method")->capture_default_str();
  app.add_option("--request", settings.request_files,
                 "Files with the bytes of a request, used in turn. ######## in a file is replaced by a number that "
                 "differs from call to call")
      ->required()
      ->check(CLI::ExistingFile);
  app.add_option("--token", settings.token, "Token to send with each call");
  app.add_option("--numbers", settings.numbers, "How many different numbers to use")
      ->check(CLI::Range(1, 100'000'000))
      ->check([](const std::string& n) {
        return std::stoll(n) % qconfig::kStride == 0 ? "must not be a multiple of 7919" : "";
      })
      ->capture_default_str();
  app.add_option("--connections", settings.connections)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--outstanding", settings.outstanding, "Calls to keep outstanding; with --rate, the maximum")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  auto* const rate = app.add_option("--rate", settings.rate, "Calls to start each second; 0: a call when one ends")
                         ->capture_default_str();
  app.add_option("--calls", settings.calls, "Make this many calls, without warm-up; 0: measure for --seconds")
      ->check(CLI::NonNegativeNumber)
      ->excludes(rate)
      ->capture_default_str();
  app.add_option("--seconds", settings.seconds, "How long to measure")->capture_default_str();
  app.add_option("--warm-up", settings.warm_up, "Seconds of load before the measurement")->capture_default_str();
  app.add_option("--deadline-ms", settings.deadline_ms, "Deadline of each call; 0: none")->capture_default_str();
  app.add_option("--server-pid", settings.server, "Process whose CPU time to measure; 0: none")->capture_default_str();
  app.add_option("--save-answer", settings.answer_file, "Make one call and write the bytes of its answer to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    qconfig::LoadGenerator generator(settings);
    if (settings.answer_file.empty()) {
      std::cout << generator.Run() << std::endl;
    } else {
      generator.SaveAnswer();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
