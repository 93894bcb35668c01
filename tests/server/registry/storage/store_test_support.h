// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_TEST_SUPPORT_H_
#define QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_TEST_SUPPORT_H_

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "server/registry/storage/registry_store.h"

namespace qconfig {

TenantId Tenant(absl::string_view name);

// Changes of entries whose contents are `text`.
v1::RegistryChange PutScheme(absl::string_view name, absl::string_view text = "");
v1::RegistryChange DeleteScheme(absl::string_view name);
v1::RegistryChange PutTemplate(absl::string_view model_type, absl::string_view text = "");
v1::RegistryChange DeleteTemplate(absl::string_view model_type);
v1::RegistryChange SetDefaultCatalog(absl::string_view catalog);

// The write that creates `revision`, at second `revision` modulo 1,000,000 of 2020, without a request ID.
RegistryCommit Write(int64_t revision, const std::vector<v1::RegistryChange>& changes);
RegistryCommit WithRequest(RegistryCommit commit, absl::string_view request_id, absl::string_view digest = "digest");
RegistryCommit WithTime(RegistryCommit commit, int64_t seconds, int32_t nanos = 0);
// Lets writes expire that are at least this old at the time of `commit`.
RegistryCommit WithMaxAge(RegistryCommit commit, absl::Duration max_age);

// "3 catalog: s=text, t=text; model=text": revision, default catalogue, schemes and templates in order.
std::string Described(const RegistryState& state);
// The same for the state that `store` loads, or the error, such as "REVISION_COMPACTED at revision".
std::string Loaded(const RegistryStore& store, absl::string_view tenant, int64_t revision = 0);
// "2 to 5", or the error. With a gap: "2 to 5, 1000000 to 1000003", or "2 to 5, next 1000000" before the first write
// after the gap.
std::string Described(const absl::StatusOr<RevisionRange>& range);
// The revisions of the changes, such as "3 4 5", or the error.
std::string ChangesOf(const RegistryStore& store, absl::string_view tenant, int64_t revision, size_t max = 1000);

// A directory that the destructor removes. Not thread-safe.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  std::string Path(absl::string_view name) const;

 private:
  std::string path_;
};

// Runs statements on a SQLite file with its own connection, which does not truncate the file's log when it closes.
// Aborts if a statement fails. Not thread-safe.
class RawSqlite {
 public:
  explicit RawSqlite(const std::string& path);
  void Run(const std::string& sql);

 private:
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> handle_;
};

// The bytes of a file. Empty if the file does not exist.
std::string FileBytes(const std::string& path);
void WriteFile(const std::string& path, absl::string_view bytes);

}  // namespace qconfig

#endif  // QCONFIG_TESTS_SERVER_REGISTRY_STORAGE_STORE_TEST_SUPPORT_H_
