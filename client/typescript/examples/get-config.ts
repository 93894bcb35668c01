// SPDX-License-Identifier: Apache-2.0
import { Client, QConfigError } from "qconfig-client";

const client = new Client({ server: process.argv[2] ?? "localhost:50051" });
try {
  const response = await client.getConfig({
    spec: {
      modelType: "llama",
      scheme: "fp8",
      kvCacheScheme: "fp8",
      layerConfig: [{ pattern: "*mlp*", scheme: "mxfp4" }],
    },
  });
  console.log("catalog:", response.catalog);
  console.log("digest:", response.configDigest.slice(0, 12));
  console.log("overrides:", response.config?.layerQuantConfig.length);

  await client.getConfig({ spec: { modelType: "llama", scheme: "int4_wo_12" } });
} catch (error) {
  if (!(error instanceof QConfigError) || error.reason !== "SCHEME_NOT_FOUND") throw error;
  console.log(`${error.reason}: did you mean ${error.suggestions.join(", ")}?`);
} finally {
  client.close();
}
