// SPDX-License-Identifier: Apache-2.0
//
// Error details that qconfigd does not send.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { create, type DescMessage, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, status } from "@grpc/grpc-js";
import { errorOfCall, QConfigError } from "../src/error.js";
import { ErrorInfoSchema } from "../src/generated/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "../src/generated/google/rpc/status_pb.js";
import { ErrorDetailSchema, ErrorReason, SuggestionKind } from "../src/generated/qconfig/v1/error_pb.js";

type Any = Status["details"][number];

function decode(details: Uint8Array | undefined) {
  const metadata = new Metadata();
  if (details !== undefined) metadata.set("grpc-status-details-bin", Buffer.from(details));
  const failure = Object.assign(new Error(), { code: status.NOT_FOUND, details: "not there", metadata });
  const error = errorOfCall(failure, { server: "localhost:50051", tls: false, cert: false });
  const { code, message, fieldViolations } = error;
  assert.deepEqual(
    { code, message, fieldViolations },
    { code: status.NOT_FOUND, message: "not there", fieldViolations: [] },
  );
  return error;
}

function encodeDetails(...details: Any[]): Uint8Array {
  return toBinary(StatusSchema, create(StatusSchema, { details }));
}

function info(domain: string, reason: string): Any {
  return anyPack(ErrorInfoSchema, create(ErrorInfoSchema, { domain, reason, metadata: { allowed: "x, y" } }));
}

function damaged(schema: DescMessage): Any {
  return { ...anyPack(schema, create(schema)), value: Uint8Array.of(255, 255) };
}

// A name may contain a comma.
const DETAIL = create(ErrorDetailSchema, {
  field: "spec.scheme",
  value: "c",
  allowed: ["a, b", "d"],
  allowedTotal: 12,
  suggestions: ["a, b"],
  suggestionReasons: [{ kind: SuggestionKind.OTHER_CATALOG, catalog: "quark-0.13" }],
  advice: "Register it.",
  rule: "r",
  requiredRole: "editor",
  retryAfterMs: 40n,
  tenant: "acme",
  catalog: "quark-0.13",
  firstRevision: 2n,
  newestRevision: 3_630_000_000_001n,
  findings: [{ message: "m" }],
  findingTotal: 9n,
});

function getDetail(error: QConfigError) {
  const { field, value, allowed, allowedTotal, suggestions, advice } = error;
  const { rule, requiredRole, retryAfterMs, tenant, catalog, firstRevision, newestRevision, findingTotal } = error;
  const lists = { allowed: [...allowed], suggestions: [...suggestions], findings: [...error.findings] };
  const suggestionReasons = [...error.suggestionReasons];
  return create(ErrorDetailSchema, {
    ...{ field, value, allowedTotal, advice, suggestionReasons, ...lists },
    ...{ rule, requiredRole, retryAfterMs, tenant, catalog, firstRevision, newestRevision, findingTotal },
  });
}

describe("details of an error", () => {
  test("a known reason", () => {
    const error = decode(encodeDetails(info("qconfig.dev", "SCHEME_NOT_FOUND"), anyPack(ErrorDetailSchema, DETAIL)));
    assert.equal(error.reason, "SCHEME_NOT_FOUND");
    assert.deepEqual(getDetail(error), DETAIL);
    assert.deepEqual(error.metadata, { allowed: "x, y" });
  });

  test("an unknown reason keeps the other details", () => {
    const unknown = anyPack(StatusSchema, create(StatusSchema));
    const details = encodeDetails(info("qconfig.dev", "MOON_NOT_FULL"), anyPack(ErrorDetailSchema, DETAIL), unknown);
    const error = decode(details);
    assert.equal(error.reason, "UNSPECIFIED");
    assert.deepEqual(getDetail(error), DETAIL);
  });

  test("without a detail the fields are empty", () => {
    const error = decode(encodeDetails(info("qconfig.dev", "SCHEME_NOT_FOUND")));
    assert.equal(error.reason, "SCHEME_NOT_FOUND");
    assert.deepEqual(getDetail(error), create(ErrorDetailSchema));
  });

  test("details of another domain, no details, and malformed details", () => {
    for (const details of [
      encodeDetails(info("example.com", "SCHEME_NOT_FOUND"), anyPack(ErrorDetailSchema, DETAIL)),
      undefined,
      Uint8Array.of(255, 255),
      encodeDetails(damaged(ErrorInfoSchema)),
      encodeDetails(damaged(ErrorDetailSchema)),
    ]) {
      const error = decode(details);
      assert.equal(error.reason, "UNSPECIFIED");
      assert.deepEqual(error.metadata, {});
      assert.deepEqual(getDetail(error), create(ErrorDetailSchema));
    }
  });

  test("the error of a batch item has details and can be converted to JSON", () => {
    const code = status.NOT_FOUND;
    const item = { code, reason: ErrorReason.SCHEME_NOT_FOUND, message: "no", metadata: {}, fieldViolations: [] };
    const error = new QConfigError({ ...item, detail: DETAIL });
    assert.deepEqual(getDetail(error), DETAIL);
    assert.match(JSON.stringify(error), /"reason":"SCHEME_NOT_FOUND"/);
  });
});
