// SPDX-License-Identifier: Apache-2.0
import { createHash } from "node:crypto";
import type { GetConfigResponse } from "./generated/qconfig/v1/config_service_pb.js";

/**
 * Whether `configDigest` is the SHA-256 of `canonicalJson`.
 * Throws if the response has no `canonicalJson`, which the server sends if the request sets `includeCanonicalJson`.
 */
export function verifyDigest(response: GetConfigResponse): boolean {
  if (response.canonicalJson === "") {
    throw new Error("the response has no canonicalJson: set includeCanonicalJson: true in the request");
  }
  return createHash("sha256").update(response.canonicalJson).digest("hex") === response.configDigest;
}
