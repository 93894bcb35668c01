// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_CORE_TEST_SUPPORT_H_
#define QCONFIG_TESTS_CORE_TEST_SUPPORT_H_

#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "core/catalog.h"
#include "core/error.h"
#include "core/snapshot.h"

namespace qconfig {

// "SCHEME_NOT_FOUND at layer_config[3].scheme"; "OK" for a status that is.
std::string Told(const absl::Status& status);

// The details of the error; empty for a status that is OK.
v1::ErrorDetail DetailOf(const absl::Status& status);

// The message that `text` describes in protobuf's text format. Fails the test when it describes none.
template <typename Message>
Message Proto(absl::string_view text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &message)) << text;
  return message;
}

// The text of a catalogue's data files, for tests that change some of it.
struct CatalogTexts {
  std::string catalog, schemes, templates, algorithms, vocabulary, spec_presets;

  CatalogFiles files() const { return {catalog, schemes, templates, algorithms, vocabulary, spec_presets}; }
};

// The files of core/catalog/quark-0.12.post1.
CatalogTexts BuiltinTexts();

// A tiny catalogue: schemes "plain" and "alias" (an older name of it), templates "model" (K, V and Q projections,
// excludes "head") and "bare" (no projections), no algorithm configurations, no spec classes.
CatalogTexts TinyTexts();

// The catalogue of that Quark release. REQUIRES: it is built in.
const Catalog& CatalogOfRelease(absl::string_view release);

// The first built-in catalogue, and the tiny one, at revision 1.
const Snapshot& Builtins();
const Snapshot& Tiny();

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_TEST_SUPPORT_H_
