// SPDX-License-Identifier: Apache-2.0
#ifndef QCONFIG_CLIENT_CPP_QCONFIGCTL_EMBEDDED_FILES_H_
#define QCONFIG_CLIENT_CPP_QCONFIGCTL_EMBEDDED_FILES_H_

namespace qconfig::client {

// Files of the source tree that are part of the program.
extern const char kModuleTypesJson[];    // client/module_types.json
extern const char kPlanHtml[];           // client/plan.html
extern const char kFamiliarWordsJson[];  // client/cpp/qconfigctl/familiar_words.json
extern const char kForeignFilesJson[];   // client/cpp/qconfigctl/foreign_files.json

}  // namespace qconfig::client

#endif  // QCONFIG_CLIENT_CPP_QCONFIGCTL_EMBEDDED_FILES_H_
