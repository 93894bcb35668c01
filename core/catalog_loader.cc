// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/algorithms.h"
#include "core/canonical_json.h"
#include "core/catalog.h"
#include "core/catalog_json.h"
#include "core/complete_layer.h"
#include "core/config_class_reader.h"
#include "core/quark_json_reader.h"
#include "core/spec_class_reader.h"
#include "core/status_macros.h"
#include "core/tensor_vocabulary_reader.h"

namespace qconfig {
namespace {

using nlohmann::ordered_json;

absl::StatusOr<ordered_json> ParseObject(absl::string_view file, absl::string_view text) {
  ordered_json json = ordered_json::parse(text.begin(), text.end(), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return Malformed(file, "not a JSON object");
  return json;
}

// The trait names of catalog.json.
constexpr std::pair<absl::string_view, bool CatalogTraits::*> kTraits[] = {
    {"exclude_patterns_expanded", &CatalogTraits::exclude_patterns_expanded},
    {"tensor_json_has_zero_point_type", &CatalogTraits::tensor_json_has_zero_point_type},
};

}  // namespace

// Fills a Catalog, file by file. Used once.
class CatalogLoader {
 public:
  absl::StatusOr<std::shared_ptr<const Catalog>> Load(const CatalogFiles& files) {
    struct Step {
      absl::string_view name;
      absl::string_view text;
      absl::Status (CatalogLoader::*read)(const ordered_json&);
    };
    // Later steps look up what earlier ones read.
    const Step kSteps[] = {
        {"catalog.json", files.catalog, &CatalogLoader::ReadCatalog},
        {"schemes.json", files.schemes, &CatalogLoader::ReadSchemes},
        {"vocabulary.json", files.vocabulary, &CatalogLoader::ReadVocabulary},
        {"algorithms.json", files.algorithms, &CatalogLoader::ReadAlgorithms},
        {"templates.json", files.templates, &CatalogLoader::ReadTemplates},
        {"spec_presets.json", files.spec_presets, &CatalogLoader::ReadSpecPresets},
    };
    for (const Step& step : kSteps) {
      QCONFIG_ASSIGN_OR_RETURN(const ordered_json json, ParseObject(step.name, step.text));
      const absl::Status status = (this->*step.read)(json);
      if (!status.ok()) return Malformed(step.name, status.message());
    }
    catalog_->digest_ = Sha256Hex(absl::StrCat(files.catalog, files.schemes, files.templates, files.algorithms,
                                               files.vocabulary, files.spec_presets));
    return std::move(catalog_);
  }

 private:
  absl::Status ReadCatalog(const ordered_json& json) {
    settings_ = json;
    if (!Member(json, "name").is_string() || !Member(json, "quark_release").is_string()) {
      return Malformed("name, quark_release", "must be strings");
    }
    catalog_->name_ = json["name"].get<std::string>();
    catalog_->quark_release_ = json["quark_release"].get<std::string>();
    QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, "traits"), "traits", [this](std::string name) {
      catalog_->trait_names_.push_back(std::move(name));
    }));
    for (const std::string& name : catalog_->trait_names_) {
      const auto* trait = std::find_if(std::begin(kTraits), std::end(kTraits),
                                       [&name](const auto& known) { return known.first == name; });
      if (trait == std::end(kTraits)) return Malformed("traits", absl::StrCat("no trait is named ", name));
      catalog_->traits_.*trait->second = true;
    }
    QCONFIG_RETURN_IF_ERROR(ReadTensors("kv_cache_schemes", catalog_->kv_cache_schemes_));
    return ReadTensors("attention_schemes", catalog_->attention_schemes_);
  }

  absl::Status ReadTensors(const char* key, std::map<std::string, v1::QTensorConfig>& tensors) {
    for (const auto& [name, json] : Member(settings_, key).items()) {
      v1::QTensorConfig tensor;
      QCONFIG_RETURN_IF_ERROR(ReadQuarkJson(json, absl::StrCat(key, ".", name), tensor));
      tensors[name] = CompleteTensor(std::move(tensor));
    }
    return absl::OkStatus();
  }

  absl::Status ReadSchemes(const ordered_json& json) {
    std::set<std::string> with_shared_scales;
    QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(settings_, "schemes_with_default_shared_scales"), "catalog.json",
                                        [&](std::string name) { with_shared_scales.insert(std::move(name)); }));
    for (const auto& [name, layer] : json.items()) {
      v1::Scheme scheme;
      scheme.set_name(name);
      scheme.set_origin(v1::REGISTRY_ORIGIN_BUILTIN);
      scheme.set_default_shared_scales(with_shared_scales.erase(name) > 0);
      v1::QLayerConfig config;
      QCONFIG_RETURN_IF_ERROR(ReadQuarkJson(layer, name, config));
      *scheme.mutable_config() = CompleteLayer(std::move(config));
      catalog_->scheme_index_[name] = catalog_->schemes_.size();
      catalog_->schemes_.push_back(std::move(scheme));
    }
    if (!with_shared_scales.empty())
      return Malformed(*with_shared_scales.begin(),
                       "schemes_with_default_shared_scales names a scheme that does not exist");
    for (const auto& [alias, name] : Member(settings_, "scheme_aliases").items()) {
      if (!name.is_string() || catalog_->FindScheme(alias) == nullptr ||
          catalog_->FindScheme(name.get<std::string>()) == nullptr) {
        return Malformed(alias, "not an alias of an existing scheme");
      }
      catalog_->schemes_[catalog_->scheme_index_[alias]].set_alias_of(name.get<std::string>());
    }
    return absl::OkStatus();
  }

  absl::Status ReadVocabulary(const ordered_json& json) {
    QCONFIG_ASSIGN_OR_RETURN(catalog_->tensor_vocabulary_, ReadTensorVocabulary(json, settings_));
    for (const auto& [name, fields] : Member(json, "algorithms").items()) {
      v1::AlgoConfig config;
      const google::protobuf::Message* message = MutableAlgorithmFields(name, config);
      if (message == nullptr) return Malformed(name, "the contract does not have this algorithm");
      QCONFIG_RETURN_IF_ERROR(AddConfigClass(fields, name, *message));
      catalog_->algorithm_names_.push_back(name);
    }
    return AddConfigClass(Member(json, "online_rotation_config"), "online_rotation_config",
                          v1::OnlineRotationConfig::default_instance());
  }

  absl::Status AddConfigClass(const ordered_json& fields, const std::string& path,
                              const google::protobuf::Message& prototype) {
    QCONFIG_ASSIGN_OR_RETURN(ConfigClass config_class, ReadConfigClass(fields, path, prototype));
    catalog_->config_classes_[prototype.GetDescriptor()] = std::move(config_class);
    return absl::OkStatus();
  }

  absl::Status ReadAlgorithms(const ordered_json& json) {
    algorithms_ = json;
    for (const auto& [name, by_model] : json.items()) {
      if (catalog_->FindAlgorithm(name) == nullptr || !by_model.is_object()) {
        return Malformed(name, "vocabulary.json does not have this algorithm");
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadTemplates(const ordered_json& json) {
    for (const auto& [model_type, fields] : json.items()) {
      v1::LlmTemplate entry;
      entry.set_model_type(model_type);
      entry.set_origin(v1::REGISTRY_ORIGIN_BUILTIN);
      QCONFIG_RETURN_IF_ERROR(ReadTemplate(fields, model_type, entry));
      catalog_->template_index_[model_type] = catalog_->templates_.size();
      catalog_->templates_.push_back(std::move(entry));
    }
    return absl::OkStatus();
  }

  absl::Status ReadTemplate(const ordered_json& json, const std::string& model_type, v1::LlmTemplate& entry) {
    if (!json.is_object()) return Malformed(model_type, "not an object");
    const std::pair<const char*, std::string* (v1::LlmTemplate::*)()> kPatternLists[] = {
        {"kv_layers_name", &v1::LlmTemplate::add_kv_layers_name},
        {"q_layer_name", &v1::LlmTemplate::add_q_layer_name},
        {"gate_up_layers_name", &v1::LlmTemplate::add_gate_up_layers_name},
        {"exclude_layers_name", &v1::LlmTemplate::add_exclude_layers_name},
    };
    for (const auto& [key, add] : kPatternLists) {
      const auto add_to = add;
      QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, key), absl::StrCat(model_type, ".", key),
                                          [&](std::string text) { *(entry.*add_to)() = std::move(text); }));
    }
    std::vector<std::string> algorithms;
    QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(json, "algorithms"), model_type,
                                        [&](std::string name) { algorithms.push_back(std::move(name)); }));
    for (const std::string& name : algorithms) {
      v1::AlgoConfigEntry& algorithm = *entry.add_algorithm_configs();
      algorithm.set_algorithm(name);
      const ordered_json& config = Member(Member(algorithms_, name.c_str()), model_type.c_str());
      google::protobuf::Message* message = MutableAlgorithmFields(name, *algorithm.mutable_config());
      if (message == nullptr) return Malformed(model_type, absl::StrCat("no algorithm is named ", name));
      QCONFIG_RETURN_IF_ERROR(
          ReadQuarkJson(config, absl::StrCat("algorithms.json: ", name, ".", model_type), *message));
    }
    return ReadConverters(Member(json, "f2f_weight_converters"), model_type, entry);
  }

  static absl::Status ReadConverters(const ordered_json& json, const std::string& model_type, v1::LlmTemplate& entry) {
    if (json.is_null()) return absl::OkStatus();
    for (const ordered_json& item : json) {
      v1::WeightConverter& converter = *entry.add_f2f_weight_converters();
      QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(item, "source_patterns"), model_type,
                                          [&](std::string text) { converter.add_source_patterns(std::move(text)); }));
      QCONFIG_RETURN_IF_ERROR(ReadStrings(Member(item, "target_patterns"), model_type,
                                          [&](std::string text) { converter.add_target_patterns(std::move(text)); }));
      for (const ordered_json& operation : Member(item, "operations")) {
        if (Member(operation, "class") != "SplitFusedExperts" || !Member(operation, "split_axis").is_number_integer()) {
          return Malformed(model_type, "the contract does not have this weight operation");
        }
        converter.add_operations()->mutable_split_fused_experts()->set_split_axis(operation["split_axis"].get<int>());
      }
    }
    return absl::OkStatus();
  }

  absl::Status ReadSpecPresets(const ordered_json& json) {
    QCONFIG_ASSIGN_OR_RETURN(catalog_->spec_classes_, ReadSpecClasses(json, settings_));
    return absl::OkStatus();
  }

  std::shared_ptr<Catalog> catalog_{new Catalog};
  ordered_json settings_;
  ordered_json algorithms_;
};

absl::StatusOr<std::shared_ptr<const Catalog>> Catalog::Load(const CatalogFiles& files) {
  return CatalogLoader().Load(files);
}

}  // namespace qconfig
