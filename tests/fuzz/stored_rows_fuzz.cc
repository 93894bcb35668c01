// SPDX-License-Identifier: Apache-2.0
//
// The rows of a registry's file, read as the store, the verifier and a write read them. Input: rows, each a letter for
// its table, a byte for its checksum and its columns; see AddRow(). SQLite's own pages are not fuzzed.
#include <sqlite3.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/error.h"
#include "server/registry/storage/checksum.h"
#include "server/registry/storage/sqlite_registry.h"
#include "server/registry/storage/sqlite_rows.h"
#include "server/registry/storage/sqlite_schema.h"
#include "server/registry/storage/sqlite_verifier.h"
#include "tests/fuzz/fuzz.h"

namespace qconfig {
namespace {

constexpr int64_t kNotEnded = 9223372036854775807;

// An empty registry, in memory where the system offers that. All inputs use it, and the first step of each is to empty
// it again.
class EmptyRegistry {
 public:
  EmptyRegistry() {
    path_ = (std::filesystem::exists("/dev/shm") ? "/dev/shm/rows-XXXXXX" : "/tmp/rows-XXXXXX");
    FUZZ_CHECK(mkdtemp(path_.data()) != nullptr, path_);
    auto opened = OpenRegistry(path_ + "/registry.db", absl::Seconds(1), 0);
    FUZZ_CHECK(opened.ok(), opened.status().ToString());
    connection_ = std::make_unique<SqliteConnection>(*std::move(opened));
    FUZZ_CHECK(connection_->Execute("PRAGMA synchronous = OFF").ok(), "");
  }
  ~EmptyRegistry() { std::filesystem::remove_all(path_); }
  EmptyRegistry(const EmptyRegistry&) = delete;
  EmptyRegistry& operator=(const EmptyRegistry&) = delete;

  SqliteConnection& Emptied() {
    FUZZ_CHECK(connection_->Execute("DELETE FROM tenants; DELETE FROM entries; DELETE FROM changes").ok(), "");
    FUZZ_CHECK(WriteMeta(*connection_, {}).ok(), "");
    return *connection_;
  }

 private:
  std::string path_;
  std::unique_ptr<SqliteConnection> connection_;
};

// A small number, or any.
int64_t TakeNumber(absl::string_view& input) {
  const uint8_t first = fuzz::TakeByte(input);
  if (first < 0xf0) return first;
  uint64_t number = 0;
  for (int i = first; i < 0xf8; ++i) number = number << 8 | fuzz::TakeByte(input);
  return static_cast<int64_t>(first == 0xff ? ~number : number);
}

// A number that the server counts on from.
int64_t TakeCount(absl::string_view& input) { return TakeNumber(input) & ((int64_t{1} << 40) - 1); }

absl::string_view TakeText(absl::string_view& input) {
  const absl::string_view text = input.substr(0, fuzz::TakeByte(input));
  input.remove_prefix(text.size());
  return text;
}

// A value that belongs to `name`, followed by bytes of the input.
std::string TakeValue(absl::string_view& input, int64_t kind, absl::string_view name) {
  std::string value;
  if (kind == kSchemeEntry) {
    v1::Scheme scheme;
    scheme.set_name(std::string(name));
    value = scheme.SerializePartialAsString();
  } else if (kind == kTemplateEntry) {
    v1::LlmTemplate entry;
    entry.set_model_type(std::string(name));
    value = entry.SerializePartialAsString();
  }
  return absl::StrCat(value, TakeText(input));
}

// The sums of the entries that the rows so far give tenant 1.
int64_t SumOf(SqliteConnection& connection, int64_t revision) {
  int64_t sum = 0;
  SqliteQuery query(connection, "SELECT checksum FROM entries WHERE tenant = 1 AND until > ? AND since <= ?", revision,
                    revision);
  while (query.Next()) sum = AddChecksum(sum, query.Int(0));
  return sum;
}

// Rows that break a constraint of the schema are left out.
void AddRow(SqliteConnection& connection, absl::string_view& input) {
  const uint8_t table = fuzz::TakeByte(input);
  const int64_t wrong = fuzz::TakeByte(input) >= 0xf0 ? 1 : 0;  // added to the checksum
  switch (table % 4) {
    case 0: {
      const MetaRow row = {TakeCount(input), TakeCount(input) % 2, TakeCount(input)};
      SqliteQuery(connection, "UPDATE meta SET epoch = ?, is_backup = ?, tenant_count = ?, checksum = ?", row.epoch,
                  row.is_backup, row.tenant_count, AddChecksum(ChecksumOfMeta(row), wrong))
          .Run()
          .IgnoreError();
      return;
    }
    case 1: {
      const absl::string_view name = TakeText(input);
      TenantRow row;
      row.id = TakeNumber(input);
      row.revision = TakeNumber(input);
      row.first_revision = TakeNumber(input);
      row.commits = TakeCount(input);
      row.gaps = std::string(TakeText(input));
      row.next_position = TakeCount(input);
      row.state = AddChecksum(SumOf(connection, row.revision), TakeNumber(input));
      row.first_state = AddChecksum(SumOf(connection, row.first_revision), TakeNumber(input));
      SqliteQuery(connection,
                  "INSERT INTO tenants (name, id, revision, first_revision, commits, gaps, next_position, state, "
                  "first_state, checksum) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                  name, row.id, row.revision, row.first_revision, row.commits, row.gaps, row.next_position, row.state,
                  row.first_state, AddChecksum(ChecksumOfTenant(name, row), wrong))
          .Run()
          .IgnoreError();
      return;
    }
    case 2: {
      EntryRow row;
      row.kind = TakeNumber(input);
      row.name = TakeText(input);
      row.position = TakeNumber(input);
      row.since = TakeNumber(input);
      const int64_t until = TakeNumber(input);
      const std::string value = TakeValue(input, row.kind, row.name);
      row.value = value;
      SqliteQuery(connection,
                  "INSERT INTO entries (tenant, kind, name, position, since, until, value, checksum) "
                  "VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                  row.kind, row.name, row.position, row.since, until == 0 ? kNotEnded : until,
                  SqliteQuery::Blob{row.value}, AddChecksum(ChecksumOfEntry("a", row), wrong))
          .Run()
          .IgnoreError();
      return;
    }
    default: {
      ChangeRow row;
      row.revision = TakeNumber(input);
      row.time = TakeNumber(input);
      row.request_id = TakeText(input);
      row.request_digest = TakeText(input);
      v1::ChangeRecord record;
      record.set_revision(row.revision);
      const std::string value = absl::StrCat(record.SerializeAsString(), TakeText(input));
      row.value = value;
      row.state = AddChecksum(SumOf(connection, row.revision), TakeNumber(input));
      SqliteQuery(connection,
                  "INSERT INTO changes (tenant, revision, time, request_id, request_digest, value, state, checksum) "
                  "VALUES (1, ?, ?, ?, ?, ?, ?, ?)",
                  row.revision, row.time, row.request_id, SqliteQuery::Blob{row.request_digest},
                  SqliteQuery::Blob{row.value}, row.state, AddChecksum(ChecksumOfChange("a", row), wrong))
          .Run()
          .IgnoreError();
    }
  }
}

// Whatever is stored, a read succeeds, says that the storage is damaged, or says what can be read.
void CheckAnswer(const absl::Status& status) {
  const bool is_explained = status.ok() || DamageIn(status).has_value() || absl::IsOutOfRange(status);
  FUZZ_CHECK(is_explained, status.ToString());
}

void ReadAll(SqliteConnection& connection) {
  TenantList tenants;
  const auto totals = ReadTenants(connection, tenants, [](const std::string&) {});
  FUZZ_CHECK(totals.ok() || DamageIn(totals.status()).has_value(), totals.status().ToString());
  const TenantId tenant = *TenantId::Parse("a", "tenant");
  const auto range = ReadRevisions(connection, tenants, tenant);
  CheckAnswer(range.status());
  const std::array<int64_t, 4> revisions = {0, 1, range.ok() ? range->first : 2, 5};
  for (const int64_t revision : revisions) {
    CheckAnswer(ReadState(connection, tenants, tenant, revision).status());
    CheckAnswer(ReadChanges(connection, tenants, tenant, revision, 10).status());
  }
  CheckAnswer(ReadRequest(connection, tenants, tenant, "r").status());
  const absl::Status verified = VerifyRows(connection, [](const std::string&) {});
  FUZZ_CHECK(verified.ok(), verified.ToString());

  if (!range.ok()) return;
  auto transaction = SqliteTransaction::BeginWrite(connection);
  FUZZ_CHECK(transaction.ok(), transaction.status().ToString());
  RegistryCommit commit;
  commit.record.set_revision(range->next);
  commit.record.set_request_id("r");
  commit.record.add_changes()->mutable_put_scheme()->set_name("s");
  commit.record.add_changes()->mutable_delete_template()->set_model_type("m");
  TenantSizes sizes;
  HistoryLimits limits;
  limits.max_changes = 2;
  const auto written =
      WriteCommit(connection, tenants, tenant, commit, commit.record.SerializeAsString(), limits, sizes);
  const bool is_explained = written.ok() || ItemErrorOf(written.status()).reason() != v1::ERROR_REASON_UNSPECIFIED ||
                            absl::IsAlreadyExists(written.status());
  FUZZ_CHECK(is_explained, written.status().ToString());
}

}  // namespace
}  // namespace qconfig

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace qconfig;  // NOLINT(google-build-using-namespace)
  static EmptyRegistry registry;
  SqliteConnection& connection = registry.Emptied();
  absl::string_view input = fuzz::AsText(data, size);
  FUZZ_CHECK(connection.Execute("BEGIN").ok(), "");
  while (!input.empty()) AddRow(connection, input);
  FUZZ_CHECK(connection.Execute("COMMIT").ok(), "");
  ReadAll(connection);
  return 0;
}
