// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_TESTS_FUZZ_MESSAGE_MUTATOR_H_
#define QCONFIG_TESTS_FUZZ_MESSAGE_MUTATOR_H_

#include <google/protobuf/message.h>

#include <random>
#include <string>
#include <vector>

namespace qconfig::fuzz {

// Changes messages a little, field by field, so that most results get past the parser and the first checks.
// Immutable.
class MessageMutator {
 public:
  // `words` are texts that fields often have, such as the names of schemes.
  explicit MessageMutator(std::vector<std::string> words) : words_(std::move(words)) {}

  // Changes one field of `message` or of a message in it.
  void Mutate(google::protobuf::Message& message, std::mt19937& random) const;

 private:
  using Field = google::protobuf::FieldDescriptor;
  using Message = google::protobuf::Message;

  void MutateField(Message& message, const Field* field, std::mt19937& random, int depth) const;
  void MutateList(Message& message, const Field* field, std::mt19937& random, int depth) const;
  // Sets some fields of a new message.
  void Fill(Message& message, std::mt19937& random, int depth) const;
  // Sets a field, or adds to a repeated one.
  void Put(Message& message, const Field* field, std::mt19937& random, int depth) const;
  std::string Text(const std::string& old, std::mt19937& random) const;

  const std::vector<std::string> words_;
};

// The words of the built-in catalogues: names of schemes, model types, algorithms, specs, observers and catalogues, and
// some patterns.
std::vector<std::string> CatalogWords();

}  // namespace qconfig::fuzz

#endif  // QCONFIG_TESTS_FUZZ_MESSAGE_MUTATOR_H_
