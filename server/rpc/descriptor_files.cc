// SPDX-License-Identifier: Apache-2.0
#include "server/rpc/descriptor_files.h"

#include <google/protobuf/descriptor.pb.h>

namespace qconfig {

void DescriptorFiles::Add(const google::protobuf::FileDescriptor& file) {
  const auto [it, is_new] = files_.try_emplace(file.name());
  if (!is_new) return;
  File& added = it->second;
  google::protobuf::FileDescriptorProto proto;
  file.CopyTo(&proto);
  added.bytes = proto.SerializeAsString();
  symbols_.Add(added.bytes.data(), static_cast<int>(added.bytes.size()));
  added.imports.assign(proto.dependency().begin(), proto.dependency().end());
  for (int i = 0; i < file.dependency_count(); ++i) Add(*file.dependency(i));
}

const DescriptorFiles::File* DescriptorFiles::Find(const std::string& name) const {
  const auto it = files_.find(name);
  return it == files_.end() ? nullptr : &it->second;
}

std::string DescriptorFiles::FileOfSymbol(const std::string& symbol) {
  std::string name;
  return symbols_.FindNameOfFileContainingSymbol(symbol, &name) ? name : "";
}

std::string DescriptorFiles::FileOfExtension(const std::string& message_type, int number) {
  google::protobuf::FileDescriptorProto file;
  return symbols_.FindFileContainingExtension(message_type, number, &file) ? file.name() : "";
}

std::vector<int> DescriptorFiles::FindExtensionNumbers(const std::string& message_type) {
  std::vector<int> numbers;
  symbols_.FindAllExtensionNumbers(message_type, &numbers);
  return numbers;
}

}  // namespace qconfig
