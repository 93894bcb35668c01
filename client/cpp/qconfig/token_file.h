// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIG_TOKEN_FILE_H_
#define QCONFIG_CLIENT_CPP_QCONFIG_TOKEN_FILE_H_

#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"

namespace qconfig::client {

// Whether `text` probably has a token, as in "Bearer TOKEN", and is not the name of a file: one of new-token, which
// begins with "qct_", or a JSON Web Token. What follows a slash is a file. Errors never quote such a text.
bool LooksLikeToken(absl::string_view text);

// Returns the token in the file, without whitespace at its end.
// kFailedPrecondition: the file cannot be read, is empty, has more than 7 KiB or several lines, or has a character
// that a token cannot have. The message names the file, and never has a part of the token.
absl::StatusOr<std::string> ReadTokenFile(const std::string& path);

// A file with a token that may be replaced at any time. Thread-safe.
class TokenFile {
 public:
  explicit TokenFile(std::string path);

  // Returns the token, read at most one second before `now`. Errors are those of ReadTokenFile(); the next call reads
  // the file again.
  absl::StatusOr<std::string> Read(absl::Time now) ABSL_LOCKS_EXCLUDED(mutex_);

  // Like Read(), but kFailedPrecondition with `advice` if the token may not be sent: the connection is unencrypted, and
  // no option allows that.
  absl::StatusOr<std::string> ReadToSend(absl::Time now, bool may_be_sent, absl::string_view advice);

 private:
  const std::string path_;
  absl::Mutex mutex_;
  std::string token_ ABSL_GUARDED_BY(mutex_);
  absl::Time read_at_ ABSL_GUARDED_BY(mutex_) = absl::InfinitePast();
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIG_TOKEN_FILE_H_
