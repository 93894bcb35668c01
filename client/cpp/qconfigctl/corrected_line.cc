// SPDX-License-Identifier: Apache-2.0
#include "qconfigctl/corrected_line.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <set>
#include <system_error>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/utf8.h"
#include "qconfigctl/familiar_words.h"
#include "qconfigctl/meant_value.h"
#include "qconfigctl/meant_word.h"
#include "qconfigctl/nouns.h"

namespace qconfig::client {
namespace {

using Words = std::vector<std::string>;

constexpr size_t kMaxQuotedChars = 100;
constexpr char kKindFirst[] =
    "register takes the kind of entry first: qconfigctl register scheme -f FILE, or qconfigctl register template -f "
    "FILE";

bool IsOption(const std::string& word) {
  return word.size() > 1 && word[0] == '-' && !absl::ascii_isdigit(static_cast<unsigned char>(word[1]));
}

bool TakesValue(const CLI::Option& option) { return option.get_expected_min() != 0; }

bool IsRepeatable(const CLI::Option& option) { return option.get_expected_max() > 1; }

class Corrector {
 public:
  explicit Corrector(const CLI::App& app) : command_(&app) {}

  CorrectedLine Correct(Words words) {
    if (words.size() > 1 && words[1] == "list" && MeantNoun("list", words[0]).is_known) {
      Mistake("the command is the first word");
      std::swap(words[0], words[1]);
    }
    JoinCommand(words);
    has_scheme_ = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      const std::string name = word.substr(0, word.find('='));
      const FamiliarWord* const familiar = IsOption(word) ? FindFamiliarOption(name) : nullptr;
      return name == "--scheme" || (familiar != nullptr && familiar->means == "--scheme");
    });
    for (size_t i = 0; i < words.size() && !stopped_;) {
      const std::string option = IsOption(words[i]) ? words[i++] : "";
      const size_t equals = option.find('=');
      Words values;
      if (equals != std::string::npos) values.push_back(option.substr(equals + 1));
      for (; i < words.size() && !IsOption(words[i]); ++i) values.push_back(words[i]);
      if (option.empty()) {
        TakeWords(values, 0);
      } else {
        TakeOption(option.substr(0, equals), std::move(values), equals != std::string::npos);
      }
    }
    if (line_.complete && !line_.mistakes.empty()) CheckRequired();
    return std::move(line_);
  }

 private:
  void Mistake(const std::string& text) { line_.mistakes.push_back(text); }
  // A mistake without a correction. The words after it are read if `stops` is false.
  void Unknown(const std::string& text, bool stops = true) {
    Mistake(text);
    line_.complete = false;
    stopped_ = stopped_ || stops;
  }

  // `new token` means `new-token`.
  void JoinCommand(Words& words) {
    if (words.size() < 2) return;
    const std::string joined = absl::StrCat(words[0], "-", words[1]);
    const bool is_command =
        !command_->get_subcommands([&joined](const CLI::App* app) { return app->check_name(joined); }).empty();
    if (!is_command && FindFamiliarCommand(joined) == nullptr) return;
    if (is_command) Mistake(absl::StrCat(joined, " is one word"));
    words[1] = joined;
    words.erase(words.begin());
  }

  const CLI::Option* Find(const std::string& name) const {
    for (const CLI::App* app = command_; app != nullptr; app = app->get_parent()) {
      if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
    }
    return nullptr;
  }

  Words OptionNames() const {
    Words names;
    for (const CLI::App* app = command_; app != nullptr; app = app->get_parent()) {
      for (const CLI::Option* option : app->get_options()) {
        for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
      }
    }
    return names;
  }

  // A corrected line can still lack something that is required.
  void CheckRequired() {
    if (MissingWords() > 0 || !command_->get_subcommands([](const CLI::App*) { return true; }).empty()) {
      line_.complete = false;
    }
    for (const CLI::Option* option : command_->get_options()) {
      if (option->get_positional() && !option->nonpositional()) continue;
      if (option->get_required() && given_.count(option) == 0) {
        Unknown(absl::StrCat(option->get_name(), " is required"));
      }
    }
  }

  // Adds an option to the line.
  void Give(const CLI::Option& option, const std::string& name, const std::string& value) {
    if (!given_.insert(&option).second && !IsRepeatable(option)) return Unknown(absl::StrCat(name, " is given twice"));
    const MeantValue meant = Meant(option, name, value);
    if (!meant.mistake.empty()) meant.is_known ? Mistake(meant.mistake) : Unknown(meant.mistake, /*stops=*/false);
    if (meant.needs_tls) line_.words.emplace_back("--tls");
    line_.words.insert(line_.words.end(), {name, meant.value});
  }

  static MeantValue Meant(const CLI::Option& option, const std::string& name, const std::string& value) {
    if (option.check_name("--output")) return MeantFormat(option, name, value);
    if (option.check_name("--server")) return MeantServer(value);
    if (option.check_name("--timeout-seconds")) return MeantSeconds(value);
    if (option.check_name("--algo-config")) return MeantAlgoConfig(value);
    if (option.check_name("--layer") || option.check_name("--exclude")) return MeantPattern(name, value);
    if (option.check_name("--scheme")) return MeantScheme(value);
    const bool is_attention = option.check_name("--kv-cache-scheme") || option.check_name("--attention-scheme");
    return is_attention ? MeantAttentionScheme(name, value) : MeantValue{value, ""};
  }

  // The command that has the option, if it is not `command_`; empty if there is none or several.
  std::string CommandWith(const std::string& option) const {
    if (command_->get_parent() == nullptr) return "";
    const auto others = command_->get_parent()->get_subcommands(
        [&option](const CLI::App* app) { return app->get_option_no_throw(option) != nullptr; });
    return others.size() == 1 ? others.front()->get_name() : "";
  }

  // The option that is called `name` elsewhere, or the nearest one; empty if there is none.
  std::string Meaning(const std::string& name) {
    const FamiliarWord* const familiar = FindFamiliarOption(name);
    const std::string shown = Printable(name, kMaxQuotedChars);
    if (command_->get_name() == "register") {
      Unknown(kKindFirst);
      return "";
    }
    if (familiar != nullptr && !familiar->note.empty()) {
      Unknown(absl::StrCat(shown, " is not an option here: ", familiar->note), /*stops=*/false);
      return "";
    }
    if (familiar != nullptr && Find(familiar->means) != nullptr) {
      Mistake(absl::StrCat(shown, familiar->source.empty() ? "" : absl::StrCat(" of ", familiar->source), " is ",
                           familiar->means, " here"));
      return familiar->means;
    }
    const std::string other = CommandWith(familiar == nullptr ? name : familiar->means);
    if (!other.empty()) {
      Unknown(absl::StrCat(shown, " is not an option of ", command_->get_name(), "; only ", other, " uses it"),
              /*stops=*/false);
      return "";
    }
    const std::string near = NearestOf(name, OptionNames());
    const std::string where = command_->get_parent() == nullptr ? "qconfigctl" : command_->get_name();
    if (near.empty()) {
      Unknown(absl::StrCat(shown, " is not an option of ", where), /*stops=*/false);
    } else {
      Mistake(absl::StrCat(shown, " is not an option of ", where, "; did you mean ", near, "?"));
    }
    return near;
  }

  void TakeOption(const std::string& name, Words values, bool joined) {
    std::string used = name;
    const CLI::Option* option = Find(name);
    const bool one_dash = name.size() > 2 && name[1] != '-';
    if (one_dash && Find("-" + name) != nullptr) {  // -output json
      used = "-" + name;
      Mistake(absl::StrCat("long options have two dashes: ", used));
      option = Find(used);
    } else if (option == nullptr && one_dash && Find(name.substr(0, 2)) != nullptr) {  // -ojson
      return TakeAttached(name, values);
    }
    if (option == nullptr && (TakeAsModel(name, values) || TakeAsWord(name, values))) return;
    if (option == nullptr) {
      used = Meaning(name);
      option = used.empty() ? nullptr : Find(used);
      if (option == nullptr) return;
    }
    if (TakesValue(*option) && values.empty()) return Unknown(absl::StrCat(used, " requires a value"));
    if (!TakesValue(*option)) {
      line_.words.push_back(joined ? absl::StrCat(used, "=", values.front()) : used);
      return TakeWords(values, joined ? 1 : 0);
    }
    TakeValues(*option, used, std::move(values));
  }

  // Takes `-ojson`, and words after it.
  void TakeAttached(const std::string& name, const Words& values) {
    const CLI::Option& option = *Find(name.substr(0, 2));
    if (!given_.insert(&option).second && !IsRepeatable(option)) {
      return Unknown(absl::StrCat(name.substr(0, 2), " is given twice"));
    }
    has_file_ = has_file_ || option.check_name("--file");
    line_.words.push_back(name);
    TakeWords(values, 0);
  }

  // Takes `--model meta-llama/Llama-3.1-8B` in get-config. Returns whether it is one that does not name a local model.
  bool TakeAsModel(const std::string& name, const Words& values) {
    const std::string key = OptionKey(name);
    const bool is_model = key == "model" || key == "model-id" || key == "model-name" || key == "model-name-or-path";
    std::error_code error;
    if (!is_model || values.empty() || command_->get_name() != "get-config" || MissingWords() == 0) return false;
    if (std::filesystem::exists(values.front(), error) || values.front().find_first_of("./") == 0) return false;
    Mistake(absl::StrCat(name, " is not an option of get-config; write the model type alone"));
    TakeWord(MeantModelType(values.front()));
    TakeWords(values, 1);
    return true;
  }

  // Takes an option that is a word here: `--model_type llama` in get-config, or `--schemes` in list. Returns whether it
  // is one.
  bool TakeAsWord(const std::string& name, const Words& values) {
    const FamiliarWord* const familiar = FindFamiliarOption(name);
    if (familiar != nullptr && Find(familiar->means) != nullptr && !values.empty()) return false;
    const std::string noun = taken_ == 0 ? FindNoun(OptionKey(name), NounsOf(command_->get_name())) : "";
    const auto positionals = command_->get_options([&name](const CLI::Option* option) {
      return option->get_positional() && OptionKey(option->get_name(/*positional=*/true)) == OptionKey(name);
    });
    if (noun.empty() && (positionals.empty() || values.empty())) return false;
    Mistake(absl::StrCat(Printable(name, kMaxQuotedChars), " is not an option of ", command_->get_name(),
                         "; write the ", noun.empty() ? "value" : "word", " alone"));
    if (!noun.empty()) TakeWord(noun);
    TakeWords(values, 0);
    return true;
  }

  void TakeValues(const CLI::Option& option, const std::string& name, Words values) {
    if (name == "--layer" || name == "--layer-type") JoinPairs(name, values);
    if (stopped_) return;
    has_file_ = has_file_ || name == "-f" || name == "--file";
    Give(option, name, values.front());
    values.erase(values.begin());
    if (!IsRepeatable(option) || command_->get_parent() == nullptr) return TakeWords(values, 0);
    const size_t missing = std::min(MissingWords(), values.size());
    const size_t more = values.size() - missing;
    if (!values.empty() && !has_scheme_ && Find("--scheme") != nullptr) {
      return Unknown(absl::StrCat(name, " takes one value; repeat it for each, and give the scheme with --scheme"));
    }
    if (more > 0) Mistake(absl::StrCat(name, " takes one value; repeat it for each"));
    for (size_t i = 0; i < more; ++i) Give(option, name, values[i]);
    TakeWords(values, more);
  }

  // `--layer lm_head int8` means `--layer lm_head=int8`. Words that the command still needs stay at the end.
  void JoinPairs(const std::string& name, Words& values) {
    const auto has_scheme = [](const std::string& value) { return absl::StrContains(value, "="); };
    bool joined = false;
    for (std::string& value : values) {
      const MeantValue meant = MeantPair(name, value);
      if (!meant.mistake.empty()) meant.is_known ? Mistake(meant.mistake) : Unknown(meant.mistake);
      value = meant.value;
    }
    for (size_t i = 0; i < values.size() - std::min(MissingWords(), values.size() - 1); ++i) {
      if (has_scheme(values[i])) continue;
      if (i + 1 == values.size() || has_scheme(values[i + 1])) {
        return Unknown(
            absl::StrCat(name, ": \"", Printable(values[i], kMaxQuotedChars), "\" has no '='; expected KEY=SCHEME"));
      }
      values[i] = absl::StrCat(values[i], "=", values[i + 1]);
      values.erase(values.begin() + static_cast<std::ptrdiff_t>(i) + 1);
      joined = true;
    }
    if (joined) Mistake(absl::StrCat(name, " takes one value, ", name == "--layer" ? "PATTERN" : "TYPE", "=SCHEME"));
  }

  size_t MissingWords() const {
    const auto positionals = command_->get_options(
        [](const CLI::Option* option) { return option->get_positional() && !option->nonpositional(); });
    return positionals.size() > taken_ ? positionals.size() - taken_ : 0;
  }

  // Takes the words after an option, or up to the first one, without the first `from`.
  void TakeWords(const Words& words, size_t from) {
    for (size_t i = from; i < words.size() && !stopped_; ++i)
      TakeWord(words[i], Words(words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end()));
  }

  // `rest` are the words up to the next option.
  void TakeWord(const std::string& word, const Words& rest = {}) {
    const auto commands = command_->get_subcommands([](const CLI::App*) { return true; });
    if (!commands.empty()) {
      TakeCommand(word, commands, rest);
    } else if (MissingWords() > 0) {
      const bool is_model = taken_ == 0 && command_->get_name() == "get-config";
      const MeantValue meant = is_model      ? MeantModel(word)
                               : taken_ == 0 ? MeantNoun(command_->get_name(), word)
                                             : MeantValue{word, ""};
      if (!meant.mistake.empty()) meant.is_known ? Mistake(meant.mistake) : Unknown(meant.mistake);
      line_.words.push_back(meant.value);
      ++taken_;
    } else if (!has_scheme_ && Find("--scheme") != nullptr) {
      has_scheme_ = true;
      Mistake("the scheme is an option, --scheme");
      Give(*Find("--scheme"), "--scheme", word);
    } else if (!has_file_ && command_->get_option_no_throw("--file") != nullptr) {
      has_file_ = true;
      Mistake("the file is an option, --file");
      Give(*Find("--file"), "--file", word);
    } else {
      Unknown(
          absl::StrCat("\"", Printable(word, kMaxQuotedChars), "\" is one word too many for ", command_->get_name()));
    }
  }

  void TakeCommand(const std::string& word, const std::vector<const CLI::App*>& commands, const Words& rest) {
    Words names;
    for (const CLI::App* command : commands) {
      if (command->check_name(word)) return Enter(command, word);
      names.push_back(command->get_name());
    }
    const MeantCommand meant = FindMeantCommand(word, names, rest, has_scheme_);
    if (meant.command.empty()) return Unknown(command_->get_name() == "register" ? kKindFirst : meant.mistake);
    Mistake(meant.mistake);
    Enter(commands[static_cast<size_t>(std::find(names.begin(), names.end(), meant.command) - names.begin())],
          meant.command);
    if (!meant.noun.empty()) TakeWord(meant.noun);
  }

  void Enter(const CLI::App* command, const std::string& name) {
    command_ = command;
    line_.words.push_back(name);
  }

  const CLI::App* command_;  // the command to which the next words belong
  size_t taken_ = 0;         // the words of `command_` so far, without options
  bool stopped_ = false;
  bool has_scheme_ = false;
  bool has_file_ = false;
  std::set<const CLI::Option*> given_;
  CorrectedLine line_;
};

}  // namespace

CorrectedLine CorrectLine(const CLI::App& app, const std::vector<std::string>& words) {
  return Corrector(app).Correct(words);
}

}  // namespace qconfig::client
