// SPDX-License-Identifier: Apache-2.0
#include "core/names/name_resolver.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/names/known_names.h"
#include "core/names/name_words.h"
#include "core/names/release_names.h"
#include "core/names/similar_names.h"

namespace qconfig {
namespace {

constexpr size_t kMaxItems = 3;
constexpr size_t kMaxTableName = 256;  // bytes; longer names are in no table
constexpr absl::string_view kQuark = "Quark";
constexpr absl::string_view kUsualStart = "llama";  // the template whose names of modules most models have

// The sentences about a name, without the last full stop. Those that tell how to make a scheme come after the note.
std::string NoteOf(const OtherName& line) {
  if (line.like.empty()) return line.note;
  return absl::StrCat(line.note, ". To make one (", line.makes, "), save ", line.like,
                      " (GetScheme; `qconfigctl describe scheme ", line.like, " -o json > FILE`), ", line.edit,
                      ", change its name, and register it (RegisterScheme; `qconfigctl register scheme -f FILE`)");
}

// The table of other_names.json for a kind. Empty: none.
absl::string_view TableOf(NameKind kind) {
  switch (kind) {
    case NameKind::kScheme:
      return "scheme";
    case NameKind::kTemplate:
      return "template";
    case NameKind::kAlgorithm:
      return "algorithm";
    case NameKind::kAttentionTensor:
      return "attention_tensor";
    case NameKind::kLayerType:
      return "layer_type";
    case NameKind::kDtype:
      return "dtype";
    case NameKind::kQScheme:
      return "qscheme";
    default:
      return "";
  }
}

class Resolver {
 public:
  Resolver(NameKind kind, absl::string_view name, const std::vector<absl::string_view>& names,
           const CatalogOfName& catalog_of)
      : kind_(kind), name_(name), names_(names), catalog_of_(catalog_of) {}

  NameResolution Resolve() {
    const bool is_done = FindInOtherCatalog() || FindRelease() || FindInTable();
    if (!is_done) {
      FindModels();
      FindSimilar();
    }
    return std::move(result_);
  }

 private:
  std::string CatalogOf(absl::string_view name) const { return catalog_of_ == nullptr ? "" : catalog_of_(name); }
  bool IsFull() const { return result_.items.size() == kMaxItems; }

  void Add(absl::string_view name, v1::SuggestionKind kind, std::string words, const std::string& source = "") {
    const auto is_same = [name](const NameResolution::Item& item) { return item.name == name; };
    if (IsFull() || std::any_of(result_.items.begin(), result_.items.end(), is_same)) return;
    NameResolution::Item item{std::string(name), {}};
    item.reason.set_kind(kind);
    item.reason.set_source(source);
    if (std::find(names_.begin(), names_.end(), name) == names_.end()) {
      const std::string catalog = CatalogOf(name);
      if (catalog.empty()) return;
      item.reason.set_catalog(catalog);
      absl::StrAppend(&words, words.empty() ? "" : "; ", catalog, " on this server has it");
    }
    item.reason.set_text(words);
    result_.items.push_back(std::move(item));
  }

  bool FindInOtherCatalog() {
    if (!CatalogOf(name_).empty()) Add(name_, v1::SUGGESTION_KIND_OTHER_CATALOG, "");
    return !result_.items.empty();
  }

  bool FindRelease() {
    if (kind_ != NameKind::kCatalog) return false;
    const auto release = qconfig::FindRelease(name_, names_);
    if (release.has_value()) Add(release->name, release->kind, release->words);
    return release.has_value();
  }

  bool FindInTable() {
    const absl::string_view table = TableOf(kind_);
    if (table.empty() || name_.size() > kMaxTableName) return false;
    const KnownNames::Found found = BuiltinKnownNames().Find(table, name_);
    if (found.line == nullptr || DiffersInSeparators()) return false;
    const OtherName& line = *found.line;
    const bool is_former = line.tool == kQuark;
    const v1::SuggestionKind kind = is_former           ? v1::SUGGESTION_KIND_FORMER_NAME
                                    : line.tool.empty() ? v1::SUGGESTION_KIND_SIMILAR_NAME
                                                        : v1::SUGGESTION_KIND_OTHER_TOOL;
    std::string words;
    if (is_former) words = "its present name in Quark";
    if (kind == v1::SUGGESTION_KIND_OTHER_TOOL && CompactName(line.tool) == CompactName(found.name)) {
      words = absl::StrCat("the usual scheme of ", line.tool);
    } else if (kind == v1::SUGGESTION_KIND_OTHER_TOOL) {
      words = absl::StrCat(line.differs.empty() ? "the same as " : "the nearest to ", line.tool, "'s ", found.name);
    }
    if (!line.differs.empty()) absl::StrAppend(&words, words.empty() ? "" : ": ", line.differs);
    for (const std::string& meaning : line.means) Add(meaning, kind, words, is_former ? "" : line.tool);
    result_.note = NoteOf(line);
    return !result_.items.empty() || !result_.note.empty();
  }

  // Whether only letter case or separators differ from a name, which FindSimilar() finds.
  bool DiffersInSeparators() const {
    const std::string compact = CompactName(name_);
    std::string other;
    return std::any_of(names_.begin(), names_.end(), [&](absl::string_view known) {
      if (known.size() < compact.size() || known.size() > kMaxTableName) return false;
      other.clear();
      AppendCompact(known, other);
      return other == compact;
    });
  }

  // The templates of a model, or those to start from.
  void FindModels() {
    if (kind_ != NameKind::kTemplate || name_.size() > kMaxTableName) return;
    const KnownNames& known = BuiltinKnownNames();
    const ModelName* model = known.FindModel(name_);
    const ModelName* owner = known.FindArchitecture(name_);
    const ModelId* id = known.FindId(name_);
    if ((model == nullptr && owner == nullptr && id == nullptr) || DiffersInSeparators()) return;
    is_id_ = model == nullptr && owner == nullptr && IsId(*id);
    // Without an owner before a slash, it may also be a misspelled template of the tenant, such as "jamba-acmee".
    is_known_model_ = model != nullptr || owner != nullptr || (is_id_ && absl::StrContains(name_, '/'));
    if (model != nullptr) {
      AddModel(model->model_type, model, "");
    } else if (owner != nullptr) {
      AddModel(owner->model_type, owner, "the model_type of this architecture");
    } else if (is_id_) {
      AddModel(id->model_type, known.FindModel(id->model_type), absl::StrCat("the model_type of ", id->id, " models"));
    }
  }

  // "qwen3_moee" is a misspelled model type, not the ID of a Qwen3 model.
  bool IsId(const ModelId& id) const {
    constexpr SimilarNameRules kAnySimilar{/*keeps_numbers=*/false, /*may_be_shorter=*/false,
                                           /*may_be_misspelled=*/true};
    return name_.find_first_of("/-.") != absl::string_view::npos || absl::AsciiStrToLower(name_) != name_ ||
           CompactName(id.id) == CompactName(name_) || SimilarNames(name_, names_, 1, kAnySimilar).empty();
  }

  void AddModel(const std::string& model_type, const ModelName* model, const std::string& words) {
    Add(model_type, v1::SUGGESTION_KIND_RELATED_MODEL, words);
    if (result_.items.empty() && model != nullptr) AddRelatives(model->relatives);
    if (result_.items.empty()) result_.note = NoteWithoutTemplate(model_type, model);
  }

  static std::string NoteWithoutTemplate(const std::string& model_type, const ModelName* model) {
    const bool has_start = model != nullptr && !model->start_from.empty();
    return absl::StrCat("No catalogue has a template for ", model_type, " models. ",
                        model == nullptr ? "" : model->note, model == nullptr || model->note.empty() ? "" : ". ",
                        "Start from the template of ", has_start ? model->start_from : kUsualStart,
                        ": replace the names of modules in kv_layers_name, q_layer_name, gate_up_layers_name, "
                        "exclude_layers_name and algorithm_configs with those of ",
                        model_type);
  }

  void AddRelatives(const std::vector<std::string>& relatives) {
    for (const std::string& relative : relatives) {
      Add(relative, v1::SUGGESTION_KIND_RELATED_MODEL, "a related model to start from");
    }
  }

  void FindSimilar() {
    const bool is_related = !result_.items.empty() || is_known_model_;
    SimilarNameRules rules;
    rules.keeps_numbers = kind_ != NameKind::kTemplate;
    // "int8_per_token" is not int8, and with a related or a known model, names that are only misspelled would be noise.
    rules.may_be_shorter = !is_related && !is_id_ && kind_ != NameKind::kScheme && kind_ != NameKind::kDtype;
    rules.may_be_misspelled = !is_related;
    for (const SimilarName& similar : SimilarNames(name_, names_, kMaxItems, rules)) {
      Add(similar.name, similar.kind, "");
    }
    if (!result_.items.empty()) result_.note.clear();  // it is about a model without a template
  }

  const NameKind kind_;
  const absl::string_view name_;
  const std::vector<absl::string_view>& names_;
  const CatalogOfName& catalog_of_;
  bool is_id_ = false;           // begins with the ID of a model
  bool is_known_model_ = false;  // a model type, an architecture, or an ID with its owner
  NameResolution result_;
};

// The name in an error. Quotes a name that contains a comma, which would look like two.
void AppendName(const std::string& name, std::string& text) {
  const bool ambiguous = absl::StrContains(name, ',');
  absl::StrAppend(&text, ambiguous ? "\"" : "", name, ambiguous ? "\"" : "");
}

}  // namespace

NameKind KindOfEnum(absl::string_view name) {
  if (name == "Dtype") return NameKind::kDtype;
  if (name == "QSchemeType") return NameKind::kQScheme;
  return NameKind::kOther;
}

NameResolution ResolveName(NameKind kind, absl::string_view name, const std::vector<absl::string_view>& names,
                           const CatalogOfName& catalog_of) {
  return Resolver(kind, name, names, catalog_of).Resolve();
}

std::string ResolutionText(const NameResolution& resolution) {
  std::string text;
  const auto& items = resolution.items;
  for (size_t i = 0; i < items.size(); ++i) {
    const std::string& words = items[i].reason.text();
    if (items[i].reason.kind() == v1::SUGGESTION_KIND_OTHER_CATALOG) {
      absl::StrAppend(&text, "; ", words);
      continue;
    }
    absl::StrAppend(&text, text.empty() || i == 0 ? "; did you mean " : ", ");
    AppendName(items[i].name, text);
    const bool is_last = i + 1 == items.size();
    if (!words.empty() && (is_last || items[i + 1].reason.text() != words)) absl::StrAppend(&text, " (", words, ")");
    if (is_last) absl::StrAppend(&text, "?");
  }
  return text;
}

}  // namespace qconfig
