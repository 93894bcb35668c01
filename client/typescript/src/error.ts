// SPDX-License-Identifier: Apache-2.0
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./generated/google/rpc/status_pb.js";
import {
  ErrorReason,
  ErrorReasonSchema,
  type FieldViolation,
  FieldViolationSchema,
  type ItemError,
} from "./generated/qconfig/v1/error_pb.js";

/** The names of `ErrorReason`. */
export type Reason = keyof typeof ErrorReason;

/** A call, or one item of a batch, that failed. `message` is the server's text. */
export class QConfigError extends Error {
  override readonly name = "QConfigError";
  /** gRPC's status code. */
  readonly code: status;
  /** `UNSPECIFIED` when the failure is not the server's word, or of a kind that only a newer client knows. */
  readonly reason: Reason;
  /** All that the server says of the error, by key. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Which fields of the request are wrong. */
  readonly fieldViolations: readonly FieldViolation[];

  constructor(error: Omit<ItemError, "$typeName" | "$unknown">, options?: ErrorOptions) {
    super(error.message, options);
    this.code = error.code;
    this.reason = (ErrorReason[error.reason] as Reason | undefined) ?? "UNSPECIFIED";
    this.metadata = error.metadata;
    this.fieldViolations = error.fieldViolations;
  }

  /** The path of the request's field that is wrong; empty: none is. */
  get field(): string {
    return this.metadata.field ?? "";
  }

  /** Its value. */
  get value(): string {
    return this.metadata.value ?? "";
  }

  /** What is allowed there. */
  get allowed(): string {
    return this.metadata.allowed ?? "";
  }

  /** The names that were probably meant. */
  get suggestion(): string {
    return this.metadata.suggestion ?? "";
  }
}

export function errorOfCall(error: ServiceError, cause?: unknown): QConfigError {
  let reason = ErrorReason.UNSPECIFIED;
  let metadata: Record<string, string> = {};
  let fieldViolations: FieldViolation[] = [];
  try {
    for (const detail of statusDetails(error.metadata)) {
      const info = anyUnpack(detail, ErrorInfoSchema);
      const badRequest = anyUnpack(detail, BadRequestSchema);
      if (info?.domain === "qconfig") {
        reason = reasonOf(info.reason);
        metadata = info.metadata;
      } else if (badRequest !== undefined) {
        fieldViolations = badRequest.fieldViolations.map(({ field, description }) =>
          create(FieldViolationSchema, { field, description }),
        );
      }
    }
  } catch {
    // These are no details: a proxy's, perhaps.
  }
  const { code, details: message } = error;
  return new QConfigError(
    { code, reason, message, metadata, fieldViolations },
    cause === undefined ? undefined : { cause },
  );
}

function statusDetails(metadata: Metadata): Status["details"] {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes).details : [];
}

function reasonOf(name: string): ErrorReason {
  const value = ErrorReasonSchema.values.find((known) => known.name === `ERROR_REASON_${name}`);
  return value?.number ?? ErrorReason.UNSPECIFIED;
}
