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

// The reason and the field of an error, such as "SCHEME_NOT_FOUND at layer_config[3].scheme". "OK" for an OK status.
std::string ReasonAndField(const absl::Status& status);

// The details of an error. Empty for an OK status.
v1::ErrorDetail GetDetail(const absl::Status& status);

// Parses `text` in Protobuf's text format. Fails the test if `text` is malformed.
template <typename Message>
Message Proto(absl::string_view text) {
  Message message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(std::string(text), &message)) << text;
  return message;
}

// The contents of a catalogue's data files, for tests that modify them.
struct CatalogTexts {
  std::string catalog, schemes, templates, algorithms, vocabulary, spec_presets;

  CatalogFiles files() const { return {catalog, schemes, templates, algorithms, vocabulary, spec_presets}; }
};

// The files of core/catalog/quark-0.12.post1.
CatalogTexts BuiltinTexts();

// A tiny catalogue: the schemes "plain" and "alias" (an older name of "plain"), the templates "model" (with K, V and Q
// projections, excludes "head") and "bare" (without projections), no algorithm configurations and no spec classes.
CatalogTexts TinyTexts();

// The catalogue of a Quark release. REQUIRES: the catalogue is built in.
const Catalog& CatalogOfRelease(absl::string_view release);

// Snapshots of the first built-in catalogue and of the tiny catalogue, at revision 1.
const Snapshot& Builtins();
const Snapshot& Tiny();

}  // namespace qconfig

#endif  // QCONFIG_TESTS_CORE_TEST_SUPPORT_H_
