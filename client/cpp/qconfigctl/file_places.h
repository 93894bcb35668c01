// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_PLACES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_PLACES_H_

#include <google/protobuf/descriptor.h>

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "server/base/files/file_tree.h"

namespace qconfig::client {

// Where a file has a value, or, if it does not have it, where the value belongs.
struct FilePlace {
  std::string path;  // in the file's own keys, such as "weight.group_size"; empty for the whole file
  int line = 0;      // of the value, or of what should contain it; 0 if unknown
};

// Returns "weight.group_size, line 4: problem".
std::string TextAt(const FilePlace& place, absl::string_view problem);

// `path` is a path in `tree.root`, as Join() makes it. Keys of QTensorConfig may have their older names in the file.
FilePlace FindPath(const FileTree& tree, absl::string_view path);

// `field` is the path of a field of a message of type `entry`, such as "config.weight[0].group_size", which was read
// from `tree` as ProtoJSON or as Quark's form.
FilePlace FindField(const FileTree& tree, const google::protobuf::Descriptor& entry, absl::string_view field);

// The same for a message in text format, which is parsed once. Immutable.
class TextprotoPlaces {
 public:
  // If `text` is not a valid message of type `entry`, all places are in line 1.
  TextprotoPlaces(const std::string& text, const google::protobuf::Descriptor& entry);
  ~TextprotoPlaces();

  FilePlace Find(absl::string_view field) const;

 private:
  struct Locations;
  const google::protobuf::Descriptor& entry_;
  const std::unique_ptr<Locations> locations_;
};

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_FILE_PLACES_H_
