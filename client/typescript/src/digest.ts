// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import type { GetConfigResponse } from "./generated/qconfig/v1/config_service_pb.js";

/**
 * Whether the configuration's digest is the SHA-256 of its canonical JSON.
 * Throws for a response without canonical JSON, which comes when a request has `includeCanonicalJson`.
 */
export function verifyDigest(response: GetConfigResponse): boolean {
  if (response.canonicalJson === "") {
    throw new Error("the response has no canonicalJson: ask for it with includeCanonicalJson: true");
  }
  return createHash("sha256").update(response.canonicalJson).digest("hex") === response.configDigest;
}
