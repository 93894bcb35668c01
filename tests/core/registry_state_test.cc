// SPDX-License-Identifier: Apache-2.0
#include "core/registry_state.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "core/snapshot.h"
#include "tests/core/test_support.h"

namespace qconfig {
namespace {

std::string NamesIn(const RegistryState& state) {
  std::string names = absl::StrCat(state.revision(), ":");
  for (const auto& scheme : state.schemes()) absl::StrAppend(&names, " ", scheme->name());
  for (const auto& entry : state.templates()) absl::StrAppend(&names, " ", entry->model_type(), entry->description());
  return names;
}

TEST(RegistryStateTest, IsEmptyAtFirst) {
  const RegistryState state;
  EXPECT_EQ(NamesIn(state), "1:");
  EXPECT_EQ(state.default_catalog(), "");
  EXPECT_EQ(state.bytes(), 0u);
}

TEST(RegistryStateTest, ChangesPreserveRegistrationOrder) {
  const RegistryState one = RegistryState().After(Proto<v1::ChangeRecord>(
      "revision: 2 changes { set_default_catalog: 'c' } changes { put_scheme { name: 's' } } "
      "changes { put_template { model_type: 'm' } } changes { put_template { model_type: 'n' } }"));
  EXPECT_EQ(NamesIn(one), "2: s m n");
  EXPECT_EQ(one.default_catalog(), "c");
  const RegistryState two = one.After(
      Proto<v1::ChangeRecord>("revision: 3 changes { put_template { model_type: 'm' description: '!' } } "
                              "changes { delete_scheme { name: 's' } } changes { put_scheme { name: 't' } }"));
  EXPECT_EQ(NamesIn(two), "3: t m! n") << "replaced entries keep their position";
  EXPECT_EQ(NamesIn(one), "2: s m n") << "states are immutable";
  EXPECT_EQ(two.FindScheme("s"), nullptr);
  EXPECT_EQ(two.FindTemplate("m")->description(), "!");
  const RegistryState three =
      two.After(Proto<v1::ChangeRecord>("revision: 4 changes { delete_template { model_type: 'm' } } "
                                        "changes { put_template { model_type: 'm' } }"));
  EXPECT_EQ(NamesIn(three), "4: t n m") << "an entry that is registered again moves to the end";
}

TEST(RegistryStateTest, BytesIsTheTotalSizeOfTheEntries) {
  const auto record = Proto<v1::ChangeRecord>("revision: 2 changes { put_scheme { name: 's' description: 'text' } }");
  const RegistryState state = RegistryState().After(record);
  EXPECT_EQ(state.bytes(), record.changes(0).put_scheme().ByteSizeLong());
}

TEST(SnapshotTest, TenantEntriesFollowTheCataloguesAndHideTheirNamesakes) {
  const auto registry = std::make_shared<const RegistryState>(RegistryState().After(Proto<v1::ChangeRecord>(
      "revision: 2 changes { put_template { model_type: 'new' } } "
      "changes { put_template { model_type: 'model' description: 'own' } } changes { put_scheme { name: 's' } }")));
  const Snapshot snapshot(Catalog::Load(TinyTexts().files()).value(), registry);
  EXPECT_EQ(snapshot.revision(), 2);
  std::string names;
  for (const v1::LlmTemplate* entry : snapshot.templates()) absl::StrAppend(&names, entry->model_type(), " ");
  for (const v1::Scheme* scheme : snapshot.schemes()) absl::StrAppend(&names, scheme->name(), " ");
  EXPECT_EQ(names, "model bare new plain alias s ");
  EXPECT_EQ((*snapshot.FindTemplate("model", ""))->description(), "own");
  EXPECT_EQ(ReasonAndField(snapshot.FindScheme("t", "scheme").status()), "SCHEME_NOT_FOUND at scheme");
}

}  // namespace
}  // namespace qconfig
