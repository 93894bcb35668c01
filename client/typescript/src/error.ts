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
  type SuggestionReason,
} from "./generated/qconfig/v1/error_pb.js";
import type { Finding } from "./generated/qconfig/v1/plan_pb.js";
import { connectionHint, type Endpoint } from "./hints.js";

/** The names of `ErrorReason`. */
export type Reason = keyof typeof ErrorReason;

/** A failed call or batch item. `message` is the server's text. */
export class QConfigError extends Error {
  override readonly name = "QConfigError";
  /** The gRPC status code. */
  readonly code: status;
  /** `UNSPECIFIED` if the server sent no reason, or one that this client does not know. */
  readonly reason: Reason;
  /** The metadata of the server's `google.rpc.ErrorInfo`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The invalid fields of the request. */
  readonly fieldViolations: readonly FieldViolation[];
  // Private, because JSON.stringify, which loggers may use on errors, throws for the bigints in it.
  readonly #detail: ErrorDetail;

  constructor(error: Omit<ItemError, "$typeName" | "$unknown">, options?: ErrorOptions) {
    super(error.message, options);
    this.code = error.code;
    this.reason = (ErrorReason[error.reason] as Reason | undefined) ?? "UNSPECIFIED";
    this.metadata = error.metadata;
    this.fieldViolations = error.fieldViolations;
    this.#detail = error.detail ?? create(ErrorDetailSchema);
  }

  /** The path of the invalid field, such as `spec.layer_config[3].scheme`. Empty if there is none. */
  get field(): string {
    return this.#detail.field;
  }

  /** The field's value, truncated to 128 characters. */
  get value(): string {
    return this.#detail.value;
  }

  /** Accepted values, at most 10. */
  get allowed(): readonly string[] {
    return this.#detail.allowed;
  }

  /** The number of accepted values. */
  get allowedTotal(): number {
    return this.#detail.allowedTotal;
  }

  /** Similar accepted values, the best match first, at most 3. */
  get suggestions(): readonly string[] {
    return this.#detail.suggestions;
  }

  /** Why each of `suggestions` is made, in the same order. */
  get suggestionReasons(): readonly SuggestionReason[] {
    return this.#detail.suggestionReasons;
  }

  /** What the caller can do, in sentences, as at the end of `message`. */
  get advice(): string {
    return this.#detail.advice;
  }

  /** The rule that a tensor configuration violates, or why a credential is not accepted. */
  get rule(): string {
    return this.#detail.rule;
  }

  /** The role that the caller needs for `tenant`, such as `editor`. */
  get requiredRole(): string {
    return this.#detail.requiredRole;
  }

  /** The time in milliseconds after which the call is allowed, for `RATE_LIMITED`; otherwise 0. */
  get retryAfterMs(): bigint {
    return this.#detail.retryAfterMs;
  }

  /** The tenant that the error is about. */
  get tenant(): string {
    return this.#detail.tenant;
  }

  /** The catalogue that the error is about. */
  get catalog(): string {
    return this.#detail.catalog;
  }

  /** The oldest available revision of the tenant's registry. */
  get firstRevision(): bigint {
    return this.#detail.firstRevision;
  }

  /** The newest revision of the tenant's registry. */
  get newestRevision(): bigint {
    return this.#detail.newestRevision;
  }

  /** The first findings for which a plan failed. */
  get findings(): readonly Finding[] {
    return this.#detail.findings;
  }

  /** The number of all findings for which the plan failed. */
  get findingTotal(): bigint {
    return this.#detail.findingTotal;
  }
}

/** Converts the error of a call. The message of a failed connection also says what it probably means. */
export function errorOfCall(error: ServiceError, endpoint: Endpoint, cause?: unknown): QConfigError {
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
        reason = parseReason(info.reason);
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
    // Malformed details, for example from a proxy: keep what has been parsed so far.
  }
  if (!hasInfo) detail = undefined; // the error is not from qconfig
  const { code } = error;
  const hint = code === status.UNAVAILABLE && !hasInfo ? connectionHint(error.details, endpoint) : "";
  const message = hint === "" ? error.details : `${error.details} (hint: ${hint})`;
  return new QConfigError(
    { code, reason, message, metadata, fieldViolations, detail },
    cause === undefined ? undefined : { cause },
  );
}

function statusDetails(metadata: Metadata): Status["details"] {
  const [bytes] = metadata.get("grpc-status-details-bin");
  return bytes instanceof Uint8Array ? fromBinary(StatusSchema, bytes).details : [];
}

function parseReason(name: string): ErrorReason {
  const value = ErrorReasonSchema.values.find((known) => known.name === `ERROR_REASON_${name}`);
  return value?.number ?? ErrorReason.UNSPECIFIED;
}
