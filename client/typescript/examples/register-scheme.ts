// SPDX-License-Identifier: Apache-2.0
import { Client, QConfigError } from "qconfig-client";

/** Returns a scheme that quantizes weights to int4, with one scale for each group of `groupSize` values. */
function int4Scheme(groupSize: number) {
  const preset = { spec: "Int4PerGroupSpec", fields: { ch_axis: -1, group_size: groupSize } };
  return { name: "my_int4", spec: { weight: { spec: { case: "preset" as const, value: preset } } } };
}

const client = new Client({ server: process.argv[2] ?? "localhost:50051" });
try {
  const first = await client.registerScheme({ scheme: int4Scheme(48), replace: true });
  console.log("revision:", first.revision, "replaced:", first.replaced);

  const second = await client.registerScheme({ scheme: int4Scheme(96), etag: first.scheme?.etag });
  console.log("revision:", second.revision, "replaced:", second.replaced);

  const spec = { modelType: "llama", scheme: "my_int4" };
  const response = await client.getConfig({ spec, revision: second.revision });
  console.log("group size:", response.config?.globalQuantConfig?.weight[0]?.groupSize);
} catch (error) {
  if (!(error instanceof QConfigError) || error.reason !== "ETAG_MISMATCH") throw error;
  console.log("another client has changed the scheme");
} finally {
  client.close();
}
