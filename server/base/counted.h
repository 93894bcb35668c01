// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_BASE_COUNTED_H_
#define QCONFIG_SERVER_BASE_COUNTED_H_

#include <utility>

#include "absl/functional/any_invocable.h"

namespace qconfig {

// Keeps something counted while this object lives, such as a call in flight or a held write lock. Movable, not
// copyable. Not thread-safe, but may be moved to another thread.
class [[nodiscard]] Counted {
 public:
  // Counts nothing.
  Counted() = default;

  // `uncount` is called once, when the object is destroyed, reset or assigned to. It must not throw, and should capture
  // a shared_ptr to what it needs if that can be destroyed first.
  explicit Counted(absl::AnyInvocable<void()> uncount) : uncount_(std::move(uncount)) {}

  ~Counted() { Reset(); }
  Counted(Counted&& other) noexcept : uncount_(std::exchange(other.uncount_, nullptr)) {}
  Counted& operator=(Counted&& other) noexcept {
    Counted moved(std::move(other));
    std::swap(uncount_, moved.uncount_);
    return *this;
  }

  // Whether it still counts.
  explicit operator bool() const { return uncount_ != nullptr; }

  // Stops counting. Does nothing if it does not count.
  void Reset() {
    if (auto uncount = std::exchange(uncount_, nullptr)) uncount();
  }

 private:
  absl::AnyInvocable<void()> uncount_;
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_BASE_COUNTED_H_
