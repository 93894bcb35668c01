// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_SERVER_RPC_DESCRIPTOR_FILES_H_
#define QCONFIG_SERVER_RPC_DESCRIPTOR_FILES_H_

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor_database.h>

#include <map>
#include <string>
#include <vector>

namespace qconfig {

// The .proto files behind some descriptors, serialized for reflection. Looking up a name that no file has leaves no
// trace, unlike in DescriptorPool::generated_pool(), which remembers each one forever. Not thread-safe.
class DescriptorFiles {
 public:
  struct File {
    std::string bytes;  // a google.protobuf.FileDescriptorProto
    std::vector<std::string> imports;
  };

  // Adds `file` and all files that it imports.
  void Add(const google::protobuf::FileDescriptor& file);

  // Null: no such file.
  const File* Find(const std::string& name) const;

  // The names of the files that define a symbol, or the extension of a message type by number. Empty: no such file.
  std::string FileOfSymbol(const std::string& symbol);
  std::string FileOfExtension(const std::string& message_type, int number);

  // The numbers of all extensions of a message type; empty if there are none.
  std::vector<int> FindExtensionNumbers(const std::string& message_type);

 private:
  std::map<std::string, File> files_;                    // by name
  google::protobuf::EncodedDescriptorDatabase symbols_;  // points into files_
};

}  // namespace qconfig

#endif  // QCONFIG_SERVER_RPC_DESCRIPTOR_FILES_H_
