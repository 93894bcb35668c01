// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry_history.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"

namespace qconfig {
namespace {

using Outcome = WriteAttempt::Outcome;

class Checker {
 public:
  explicit Checker(const RegistryHistory& history) : history_(history) {
    for (const auto& [entry, content] : history.first) contents_[entry][1] = content;
    for (const StoredWrite& write : history.stored) contents_[write.entry][write.revision] = write.content;
  }

  std::string Check() {
    for (const auto& check : {&Checker::CheckStored, &Checker::CheckAttempts, &Checker::CheckOrder}) {
      if (std::string problem = (this->*check)(); !problem.empty()) return problem;
    }
    for (const ReadCall& read : history_.reads) {
      if (std::string problem = CheckRead(read); !problem.empty()) return problem;
    }
    return "";
  }

 private:
  // All attempts of a write.
  struct Write {
    absl::Duration invoked = absl::InfiniteDuration();   // the first
    absl::Duration answered = absl::InfiniteDuration();  // the first answer that acknowledges it
    bool may_be_stored = false;
  };
  // A call that has a place in the order: a write at twice its revision, reads of that revision after it.
  struct Placed {
    absl::Duration invoked;
    absl::Duration answered;
    int64_t place;
  };

  int64_t newest() const { return static_cast<int64_t>(history_.stored.size()) + 1; }
  const StoredWrite& StoredAt(int64_t revision) const { return history_.stored[static_cast<size_t>(revision - 2)]; }

  std::string ContentAt(const std::string& entry, int64_t revision) const {
    const auto versions = contents_.find(entry);
    if (versions == contents_.end()) return "";
    const auto after = versions->second.upper_bound(revision);
    return after == versions->second.begin() ? "" : std::prev(after)->second;
  }

  std::string CheckStored() {
    std::set<std::string> ids;
    int64_t next = 2;
    for (const StoredWrite& write : history_.stored) {
      if (write.revision != next++) return absl::StrCat("revision ", next - 1, " is missing");
      if (!ids.insert(write.request_id).second) return absl::StrCat("write ", write.request_id, " is stored twice");
    }
    return "";
  }

  std::string CheckAttempts() {
    for (const WriteAttempt& attempt : history_.writes) {
      Write& write = writes_[attempt.request_id];
      write.invoked = std::min(write.invoked, attempt.invoked);
      write.may_be_stored = write.may_be_stored || attempt.outcome != Outcome::kRejected;
      if (attempt.outcome != Outcome::kAcknowledged) continue;
      write.answered = std::min(write.answered, attempt.answered);
      if (attempt.revision < 2 || attempt.revision > newest() ||
          StoredAt(attempt.revision).request_id != attempt.request_id) {
        return absl::StrCat("write ", attempt.request_id, " was acknowledged with revision ", attempt.revision,
                            ", which is not stored or another write");
      }
    }
    for (const StoredWrite& stored : history_.stored) {
      const auto write = writes_.find(stored.request_id);
      if (write == writes_.end()) return absl::StrCat("nobody wrote revision ", stored.revision);
      if (!write->second.may_be_stored) return absl::StrCat("revision ", stored.revision, " was rejected");
    }
    return "";
  }

  // No call has a place before that of a call that was answered before it began.
  std::string CheckOrder() {
    std::vector<Placed> calls;
    for (const StoredWrite& stored : history_.stored) {
      const Write& write = writes_.at(stored.request_id);
      calls.push_back({write.invoked, write.answered, 2 * stored.revision});
    }
    by_answer_ = calls;  // also those that may read any revision, which shows that it is there
    for (const ReadCall& read : history_.reads) {
      if (read.revision == 0) continue;
      by_answer_.push_back({read.invoked, read.answered, 2 * read.revision + 1});
      if (!read.is_pinned) calls.push_back(by_answer_.back());
    }
    std::sort(by_answer_.begin(), by_answer_.end(),
              [](const Placed& a, const Placed& b) { return a.answered < b.answered; });
    for (size_t i = 1; i < by_answer_.size(); ++i) {
      by_answer_[i].place = std::max(by_answer_[i].place, by_answer_[i - 1].place);
    }
    for (const Placed& call : calls) {
      if (call.place < PlaceBefore(call.invoked)) {
        return absl::StrCat(call.place % 2 == 0 ? "the write of" : "a read of", " revision ", call.place / 2,
                            " began after a call of revision ", PlaceBefore(call.invoked) / 2, " was answered");
      }
    }
    return "";
  }

  // The last place of the calls that were answered before `time`.
  int64_t PlaceBefore(absl::Duration time) const {
    const auto later = std::lower_bound(by_answer_.begin(), by_answer_.end(), time,
                                        [](const Placed& call, absl::Duration t) { return call.answered < t; });
    return later == by_answer_.begin() ? 2 : std::prev(later)->place;
  }

  bool Matches(const ReadCall& read, int64_t revision) const {
    return std::all_of(read.seen.begin(), read.seen.end(),
                       [&](const auto& seen) { return ContentAt(seen.first, revision) == seen.second; });
  }

  std::string CheckRead(const ReadCall& read) const {
    if (read.revision == 0) return CheckUnplaced(read);
    if (read.revision < 1 || read.revision > newest())
      return absl::StrCat("revision ", read.revision, " was never stored");
    if (read.revision < read.min_revision) {
      return absl::StrCat("a read of revision ", read.min_revision, " or later has revision ", read.revision);
    }
    for (const auto& [entry, content] : read.seen) {
      const std::string expected = ContentAt(entry, read.revision);
      if (content == expected) continue;
      return absl::StrCat("at revision ", read.revision, ", ", entry, " was read as \"", content, "\" instead of \"",
                          expected, "\"");
    }
    return "";
  }

  // A read that states no revision must fit one that existed while it ran.
  std::string CheckUnplaced(const ReadCall& read) const {
    const int64_t oldest = PlaceBefore(read.invoked) / 2;
    for (int64_t revision = oldest; revision <= newest(); ++revision) {
      const bool begun = revision == 1 || writes_.at(StoredAt(revision).request_id).invoked < read.answered;
      if (begun && Matches(read, revision)) return "";
    }
    return absl::StrCat(read.seen.begin()->first, " was read as \"", read.seen.begin()->second,
                        "\", which it was not while the call ran, at revision ", oldest, " or later");
  }

  const RegistryHistory& history_;
  std::map<std::string, std::map<int64_t, std::string>> contents_;  // by entry and revision
  std::map<std::string, Write> writes_;                             // by request id
  std::vector<Placed> by_answer_;                                   // `place` is the last one up to there
};

}  // namespace

std::string FindViolation(const RegistryHistory& history) { return Checker(history).Check(); }

}  // namespace qconfig
