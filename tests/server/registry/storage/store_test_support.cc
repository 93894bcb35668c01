// SPDX-License-Identifier: Apache-2.0
#include "tests/server/registry/storage/store_test_support.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/core/test_support.h"

namespace qconfig {

TenantId Tenant(absl::string_view name) { return TenantId::Parse(name, "tenant").value(); }

v1::RegistryChange PutScheme(absl::string_view name, absl::string_view text) {
  v1::RegistryChange change;
  change.mutable_put_scheme()->set_name(std::string(name));
  change.mutable_put_scheme()->set_description(std::string(text));
  return change;
}

v1::RegistryChange DeleteScheme(absl::string_view name) {
  v1::RegistryChange change;
  change.mutable_delete_scheme()->set_name(std::string(name));
  return change;
}

v1::RegistryChange PutTemplate(absl::string_view model_type, absl::string_view text) {
  v1::RegistryChange change;
  change.mutable_put_template()->set_model_type(std::string(model_type));
  change.mutable_put_template()->set_description(std::string(text));
  return change;
}

v1::RegistryChange DeleteTemplate(absl::string_view model_type) {
  v1::RegistryChange change;
  change.mutable_delete_template()->set_model_type(std::string(model_type));
  return change;
}

v1::RegistryChange SetDefaultCatalog(absl::string_view catalog) {
  v1::RegistryChange change;
  change.set_set_default_catalog(std::string(catalog));
  return change;
}

RegistryCommit Write(int64_t revision, const std::vector<v1::RegistryChange>& changes) {
  constexpr int64_t k2020 = 1577836800;
  RegistryCommit commit;
  commit.record.set_revision(revision);
  commit.record.set_actor("test");
  for (const v1::RegistryChange& change : changes) *commit.record.add_changes() = change;
  return WithTime(std::move(commit), k2020 + revision % 1'000'000);
}

RegistryCommit WithRequest(RegistryCommit commit, absl::string_view request_id, absl::string_view digest) {
  commit.record.set_request_id(std::string(request_id));
  commit.request_digest = std::string(digest);
  return commit;
}

RegistryCommit WithTime(RegistryCommit commit, int64_t seconds, int32_t nanos) {
  commit.record.mutable_time()->set_seconds(seconds);
  commit.record.mutable_time()->set_nanos(nanos);
  return commit;
}

RegistryCommit WithMaxAge(RegistryCommit commit, absl::Duration max_age) {
  commit.expired_up_to = absl::FromUnixMicros(HistoryTime(commit.record)) - max_age;
  return commit;
}

std::string Described(const RegistryState& state) {
  const auto scheme = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry->name(), "=", entry->description());
  };
  const auto model = [](std::string* out, const auto& entry) {
    absl::StrAppend(out, entry->model_type(), "=", entry->description());
  };
  return absl::StrCat(state.revision(), " ", state.default_catalog(), ": ",
                      absl::StrJoin(state.schemes(), ", ", scheme), "; ",
                      absl::StrJoin(state.templates(), ", ", model));
}

std::string Loaded(const RegistryStore& store, absl::string_view tenant, int64_t revision) {
  const absl::StatusOr<RegistryState> state = store.Load(Tenant(tenant), revision);
  return state.ok() ? Described(*state) : ReasonAndField(state.status());
}

std::string Described(const absl::StatusOr<RevisionRange>& range) {
  if (!range.ok()) return absl::IsAborted(range.status()) ? "conflict" : ReasonAndField(range.status());
  std::string text = absl::StrCat(range->first, " to ");
  for (const RevisionGap& gap : range->gaps) {
    if (gap.after >= range->first) absl::StrAppend(&text, gap.after, ", ", gap.next, " to ");
  }
  absl::StrAppend(&text, range->newest);
  if (range->next != range->newest + 1) absl::StrAppend(&text, ", next ", range->next);
  return text;
}

std::string ChangesOf(const RegistryStore& store, absl::string_view tenant, int64_t revision, size_t max) {
  const auto changes = store.ChangesSince(Tenant(tenant), revision, max);
  if (!changes.ok()) return ReasonAndField(changes.status());
  return absl::StrJoin(*changes, " ",
                       [](std::string* out, const auto& record) { absl::StrAppend(out, record.revision()); });
}

TempDirectory::TempDirectory() {
  std::string pattern = (std::filesystem::temp_directory_path() / "qconfig-test-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) ADD_FAILURE() << "cannot create " << pattern;
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string TempDirectory::Path(absl::string_view name) const { return absl::StrCat(path_, "/", name); }

RawSqlite::RawSqlite(const std::string& path) : handle_(nullptr, &sqlite3_close) {
  sqlite3* handle = nullptr;
  const int code = sqlite3_open(path.c_str(), &handle);
  handle_.reset(handle);
  if (code != SQLITE_OK) std::abort();
  sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

void RawSqlite::Run(const std::string& sql) {
  if (sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr) == SQLITE_OK) return;
  std::cerr << sql << ": " << sqlite3_errmsg(handle_.get()) << std::endl;
  std::abort();
}

std::string FileBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void WriteFile(const std::string& path, absl::string_view bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

}  // namespace qconfig
