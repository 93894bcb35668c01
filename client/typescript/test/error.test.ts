// SPDX-License-Identifier: Apache-2.0
//
// Details of errors that no qconfigd sends.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { errorOfCall } from "../src/error.js";
import { ErrorInfoSchema } from "../src/generated/google/rpc/error_details_pb.js";
import { StatusSchema } from "../src/generated/google/rpc/status_pb.js";

function decode(details: Uint8Array | undefined) {
  const metadata = new Metadata();
  if (details !== undefined) metadata.set("grpc-status-details-bin", Buffer.from(details));
  const error = Object.assign(new Error(), { code: status.NOT_FOUND, details: "not there", metadata });
  const { code, reason, message, field, fieldViolations } = errorOfCall(error);
  assert.deepEqual(
    { code, message, fieldViolations },
    { code: status.NOT_FOUND, message: "not there", fieldViolations: [] },
  );
  return { reason, field };
}

function info(domain: string, reason: string): Uint8Array {
  const detail = create(ErrorInfoSchema, { domain, reason, metadata: { field: "scheme" } });
  return toBinary(StatusSchema, create(StatusSchema, { details: [anyPack(ErrorInfoSchema, detail)] }));
}

describe("details of an error", () => {
  test("a reason that is known", () => {
    assert.deepEqual(decode(info("qconfig", "SCHEME_NOT_FOUND")), { reason: "SCHEME_NOT_FOUND", field: "scheme" });
  });

  test("a reason of a newer server keeps what else is said", () => {
    assert.deepEqual(decode(info("qconfig", "MOON_NOT_FULL")), { reason: "UNSPECIFIED", field: "scheme" });
  });

  test("another domain, none, and bytes that are no details", () => {
    const nothing = { reason: "UNSPECIFIED", field: "" };
    assert.deepEqual(decode(info("example.com", "SCHEME_NOT_FOUND")), nothing);
    assert.deepEqual(decode(undefined), nothing);
    assert.deepEqual(decode(Uint8Array.of(255, 255)), nothing);
    const { typeUrl } = anyPack(ErrorInfoSchema, create(ErrorInfoSchema));
    const damaged = create(StatusSchema, { details: [{ typeUrl, value: Uint8Array.of(255, 255) }] });
    assert.deepEqual(decode(toBinary(StatusSchema, damaged)), nothing);
  });
});
