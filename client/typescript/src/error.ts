// SPDX-License-Identifier: Apache-2.0
import { create, fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { type Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { BadRequestSchema, ErrorInfoSchema } from "./generated/google/rpc/error_details_pb.js";
import { type Status, StatusSchema } from "./generated/google/rpc/status_pb.js";
import {
  type ErrorDetail,
  ErrorDetailSchema,
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
  /** `UNSPECIFIED` when the server gave no reason, or one that this client does not know. */
  readonly reason: Reason;
  /** The metadata of the server's `google.rpc.ErrorInfo`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Which fields of the request are wrong. */
  readonly fieldViolations: readonly FieldViolation[];
  // Private and read by getters: loggers that write an error as JSON cannot write the bigints in it.
  readonly #detail: ErrorDetail;

  constructor(error: Omit<ItemError, "$typeName" | "$unknown">, options?: ErrorOptions) {
    super(error.message, options);
    this.code = error.code;
    this.reason = (ErrorReason[error.reason] as Reason | undefined) ?? "UNSPECIFIED";
    this.metadata = error.metadata;
    this.fieldViolations = error.fieldViolations;
    this.#detail = error.detail ?? create(ErrorDetailSchema);
  }

  /** The path of the request's field that is wrong, such as `spec.layer_config[3].scheme`. Empty: none is. */
  get field(): string {
    return this.#detail.field;
  }

  /** The field's value, cut to 128 characters. */
  get value(): string {
    return this.#detail.value;
  }

  /** Values that are accepted, at most 10. */
  get allowed(): readonly string[] {
    return this.#detail.allowed;
  }

  /** How many values are accepted in total. */
  get allowedTotal(): number {
    return this.#detail.allowedTotal;
  }

  /** Values that the caller probably meant, the best first, at most 3. */
  get suggestions(): readonly string[] {
    return this.#detail.suggestions;
  }

  /** The rule that a tensor's configuration breaks. */
  get rule(): string {
    return this.#detail.rule;
  }

  /** The tenant that the error is about. */
  get tenant(): string {
    return this.#detail.tenant;
  }

  /** The catalogue that the error is about. */
  get catalog(): string {
    return this.#detail.catalog;
  }

  /** The oldest revision of the tenant's registry that can be read. */
  get firstRevision(): bigint {
    return this.#detail.firstRevision;
  }

  /** The newest revision of the tenant's registry. */
  get newestRevision(): bigint {
    return this.#detail.newestRevision;
  }
}

export function errorOfCall(error: ServiceError, cause?: unknown): QConfigError {
  let hasInfo = false;
  let reason = ErrorReason.UNSPECIFIED;
  let metadata: Record<string, string> = {};
  let fieldViolations: FieldViolation[] = [];
  let detail: ErrorDetail | undefined;
  try {
    for (const any of statusDetails(error.metadata)) {
      const info = anyUnpack(any, ErrorInfoSchema);
      const badRequest = anyUnpack(any, BadRequestSchema);
      if (info?.domain === "qconfig.dev") {
        hasInfo = true;
        reason = reasonOf(info.reason);
        metadata = info.metadata;
      } else if (badRequest !== undefined) {
        fieldViolations = badRequest.fieldViolations.map(({ field, description }) =>
          create(FieldViolationSchema, { field, description }),
        );
      } else {
        detail = anyUnpack(any, ErrorDetailSchema) ?? detail;
      }
    }
  } catch {
    // Malformed details, such as those of a proxy: keep what was read before them.
  }
  if (!hasInfo) detail = undefined; // of another domain
  const { code, details: message } = error;
  return new QConfigError(
    { code, reason, message, metadata, fieldViolations, detail },
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
