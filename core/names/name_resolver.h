// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CORE_NAMES_NAME_RESOLVER_H_
#define QCONFIG_CORE_NAMES_NAME_RESOLVER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "qconfig/v1/error.pb.h"

namespace qconfig {

// What a name is the name of. It selects the tables of core/names in which the resolver looks.
enum class NameKind : uint8_t {
  kOther,            // no table
  kScheme,           // a quantization scheme
  kTemplate,         // a model type
  kCatalog,          // a catalogue, which is named after a Quark release
  kAlgorithm,        // an algorithm
  kAttentionTensor,  // a scheme of the KV cache or of attention
  kLayerType,        // a class of modules, such as Linear
  kDtype,            // a value of Dtype
  kQScheme,          // a value of QSchemeType
};

// The kind of the values of the enum `name`, such as "Dtype".
NameKind KindOfEnum(absl::string_view name);

// Names another catalogue of the server that has the name. Empty if there is none.
using CatalogOfName = std::function<std::string(absl::string_view name)>;

// What an unknown name probably means.
struct NameResolution {
  struct Item {
    std::string name;
    v1::SuggestionReason reason;
  };
  std::vector<Item> items;  // best first, at most three
  std::string note;         // a sentence about the unknown name, without the full stop; may be empty
};

// Finds what `name` probably means, among `names`, which do not have it. In this order: the same name in another
// catalogue (`catalog_of`, if given); for catalogues, the Quark release; former names in Quark, and names of other
// tools; architectures, IDs and model types of models; names with the same beginning or the same words; misspelled
// names.
//
// A suggestion has the bit widths and number formats that `name` states, and a catalogue of another release is named as
// such. There may be no suggestion. Takes at most about two milliseconds, whatever the names are.
NameResolution ResolveName(NameKind kind, absl::string_view name, const std::vector<absl::string_view>& names,
                           const CatalogOfName& catalog_of = nullptr);

// The items as a part of an error about the unknown name: "; did you mean int4, uint4?". Empty if there are none.
std::string ResolutionText(const NameResolution& resolution);

}  // namespace qconfig

#endif  // QCONFIG_CORE_NAMES_NAME_RESOLVER_H_
