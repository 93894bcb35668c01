// SPDX-License-Identifier: Apache-2.0
#include "tests/server/observe/metrics_text.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace qconfig {

MetricsText::MetricsText(const Metrics& metrics) {
  const std::string text = metrics.Text();
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (absl::StartsWith(line, "#")) continue;
    const size_t end = line.rfind(' ');
    double value = 0;
    EXPECT_TRUE(absl::SimpleAtod(line.substr(end + 1), &value)) << line;
    EXPECT_TRUE(series_.emplace(line.substr(0, end), value).second) << "duplicate series: " << line;
  }
}

double MetricsText::Value(const std::string& series) const {
  const auto found = series_.find(series);
  return found == series_.end() ? -1 : found->second;
}

double MetricsText::Sum(absl::string_view name, absl::string_view label) const {
  double sum = 0;
  for (const auto& [series, value] : series_) {
    const bool has_name = series == name || absl::StartsWith(series, absl::StrCat(name, "{"));
    if (has_name && absl::StrContains(series, label)) sum += value;
  }
  return sum;
}

std::string Labels(const std::string& method, const std::string& more) {
  return absl::StrCat("{", more, "grpc_method=\"", method,
                      "\",grpc_service=\"qconfig.v1.ConfigService\",grpc_type=\"unary\"}");
}

}  // namespace qconfig
