# SPDX-License-Identifier: Apache-2.0
"""The exceptions of failed calls: a class for each reason of the server, and two for failures of the connection.

Where Quark raises ValueError or NotImplementedError, the class derives from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Callable, NamedTuple, Optional

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

from qconfig.v1.error_pb2 import ErrorDetail, ErrorReason, ItemError, SuggestionReason
from qconfig.v1.plan_pb2 import Finding

_DOMAIN = "qconfig.dev"
_PREFIX = "ERROR_REASON_"
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class FieldViolation(NamedTuple):
    field: str  # the path of the field, such as "spec.layer_config[3].scheme"
    description: str


class QConfigError(Exception):
    """A failed call. The base class of all errors of this package's clients.

    code: the gRPC status code.
    reason: the name of an ErrorReason, such as "SCHEME_NOT_FOUND"; empty if the error does not come from the server, or
        its reason is unknown to this release of the client.
    message: a text for people, with the field, its value, the accepted values and suggestions.
    detail: the same in machine-readable form; empty if the server sent none. The properties such as `field` read it.
    metadata: the metadata of the ErrorInfo.
    """

    def __init__(
        self,
        message: str,
        *,
        code: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        reason: str = "",
        metadata: Optional[Mapping[str, str]] = None,
        field_violations: tuple[FieldViolation, ...] = (),
        detail: Optional[ErrorDetail] = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.reason = reason
        self.metadata = dict(metadata or {})
        self.field_violations = field_violations
        self.detail = detail or ErrorDetail()

    @property
    def field(self) -> str:
        """The path of the request's field, such as "spec.layer_config[3].scheme"."""
        return self.detail.field

    @property
    def value(self) -> str:
        return self.detail.value

    @property
    def allowed(self) -> list[str]:
        """Accepted values, at most 10."""
        return list(self.detail.allowed)

    @property
    def allowed_total(self) -> int:
        """The number of accepted values."""
        return self.detail.allowed_total

    @property
    def suggestions(self) -> list[str]:
        """Similar accepted values, the best match first, at most 3."""
        return list(self.detail.suggestions)

    @property
    def suggestion_reasons(self) -> list[SuggestionReason]:
        """Why each of `suggestions` is made, in the same order. `message` says it in words."""
        return list(self.detail.suggestion_reasons)

    @property
    def advice(self) -> str:
        """What the caller can do, in sentences, as at the end of `message`."""
        return self.detail.advice

    @property
    def rule(self) -> str:
        """The rule that a tensor configuration violates, or why a credential is not accepted.

        See INVALID_TENSOR_CONFIG and CREDENTIALS_INVALID.
        """
        return self.detail.rule

    @property
    def required_role(self) -> str:
        """The role that the caller needs for the tenant, such as "editor"; see PERMISSION_DENIED."""
        return self.detail.required_role

    @property
    def retry_after_ms(self) -> int:
        """The time in milliseconds after which the call is allowed; see RATE_LIMITED. Otherwise 0."""
        return self.detail.retry_after_ms

    @property
    def tenant(self) -> str:
        return self.detail.tenant

    @property
    def catalog(self) -> str:
        return self.detail.catalog

    @property
    def first_revision(self) -> int:
        """The oldest available revision."""
        return self.detail.first_revision

    @property
    def newest_revision(self) -> int:
        return self.detail.newest_revision

    @property
    def findings(self) -> list[Finding]:
        """The first findings for which a plan failed."""
        return list(self.detail.findings)

    @property
    def finding_total(self) -> int:
        """The number of all findings for which the plan failed."""
        return self.detail.finding_total

    def __str__(self) -> str:
        return f"{self.message} ({self.reason or self.code.name})"

    def __reduce__(self) -> tuple[Callable[..., QConfigError], tuple[Any, ...]]:
        # Errors must be picklable for process pools.
        return _make, (self.message, self.code, self.reason, self.metadata, self.field_violations, self.detail)


class ServerUnavailable(QConfigError):
    """UNAVAILABLE without a reason: the server is unreachable. A write may have been applied."""


class DeadlineExceeded(QConfigError):
    """DEADLINE_EXCEEDED: the timeout expired. A write may have been applied."""


class InvalidRequest(QConfigError, ValueError):
    pass


class TemplateNotFound(QConfigError, ValueError):
    pass


class SchemeNotFound(QConfigError, ValueError):
    pass


class CatalogNotFound(QConfigError, ValueError):
    pass


class UnsupportedAlgorithm(QConfigError, ValueError):
    pass


class UnsupportedKvCacheScheme(QConfigError, ValueError):
    pass


class UnsupportedAttentionScheme(QConfigError, ValueError):
    pass


class AlgorithmConfigMissing(QConfigError, NotImplementedError):
    pass


class InvalidAlgorithmConfig(QConfigError, ValueError):
    pass


class RevisionInFuture(QConfigError):
    pass


class AnswerTooLarge(QConfigError):
    pass


class MessageTooLarge(QConfigError):
    pass


class ShuttingDown(QConfigError):
    pass


class SchemeExists(QConfigError, ValueError):
    pass


class InvalidTensorConfig(QConfigError, ValueError):
    pass


class BuiltinReadOnly(QConfigError, ValueError):
    pass


class EtagMismatch(QConfigError):
    pass


class RevisionCompacted(QConfigError):
    pass


class RequestIdReused(QConfigError):
    pass


class QuotaExceeded(QConfigError):
    pass


class StorageUnavailable(QConfigError):
    pass


class StorageFull(QConfigError):
    pass


class NotInCatalog(QConfigError):
    pass


class Overloaded(QConfigError):
    pass


class RevisionLost(QConfigError):
    pass


class RevisionMismatch(QConfigError):
    pass


class TemplateExists(QConfigError):
    pass


class PlanHasFindings(QConfigError):
    pass


class CredentialsMissing(QConfigError):
    pass


class CredentialsInvalid(QConfigError):
    pass


class PermissionDenied(QConfigError):
    pass


class AuditUnavailable(QConfigError):
    pass


class RateLimited(QConfigError):
    pass


_BY_REASON: dict[str, type[QConfigError]] = {
    "INVALID_REQUEST": InvalidRequest,
    "TEMPLATE_NOT_FOUND": TemplateNotFound,
    "SCHEME_NOT_FOUND": SchemeNotFound,
    "CATALOG_NOT_FOUND": CatalogNotFound,
    "UNSUPPORTED_ALGORITHM": UnsupportedAlgorithm,
    "UNSUPPORTED_KV_CACHE_SCHEME": UnsupportedKvCacheScheme,
    "UNSUPPORTED_ATTENTION_SCHEME": UnsupportedAttentionScheme,
    "ALGORITHM_CONFIG_MISSING": AlgorithmConfigMissing,
    "INVALID_ALGORITHM_CONFIG": InvalidAlgorithmConfig,
    "REVISION_IN_FUTURE": RevisionInFuture,
    "ANSWER_TOO_LARGE": AnswerTooLarge,
    "MESSAGE_TOO_LARGE": MessageTooLarge,
    "SHUTTING_DOWN": ShuttingDown,
    "SCHEME_EXISTS": SchemeExists,
    "INVALID_TENSOR_CONFIG": InvalidTensorConfig,
    "BUILTIN_READ_ONLY": BuiltinReadOnly,
    "ETAG_MISMATCH": EtagMismatch,
    "REVISION_COMPACTED": RevisionCompacted,
    "REQUEST_ID_REUSED": RequestIdReused,
    "QUOTA_EXCEEDED": QuotaExceeded,
    "STORAGE_UNAVAILABLE": StorageUnavailable,
    "STORAGE_FULL": StorageFull,
    "NOT_IN_CATALOG": NotInCatalog,
    "OVERLOADED": Overloaded,
    "REVISION_LOST": RevisionLost,
    "REVISION_MISMATCH": RevisionMismatch,
    "TEMPLATE_EXISTS": TemplateExists,
    "PLAN_HAS_FINDINGS": PlanHasFindings,
    "CREDENTIALS_MISSING": CredentialsMissing,
    "CREDENTIALS_INVALID": CredentialsInvalid,
    "PERMISSION_DENIED": PermissionDenied,
    "AUDIT_UNAVAILABLE": AuditUnavailable,
    "RATE_LIMITED": RateLimited,
}
_BY_CODE: dict[grpc.StatusCode, type[QConfigError]] = {
    grpc.StatusCode.UNAVAILABLE: ServerUnavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


def from_rpc_error(error: grpc.RpcError) -> QConfigError:
    """Converts an error of gRPC, sync or asyncio, to an error of this package."""
    has_info = False
    reason = ""
    metadata: dict[str, str] = {}
    violations: tuple[FieldViolation, ...] = ()
    detail: Optional[ErrorDetail] = None
    try:
        for packed in _details(error):
            info, bad_request, found = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest(), ErrorDetail()
            if packed.Unpack(info) and info.domain == _DOMAIN:
                has_info, reason, metadata = True, info.reason, dict(info.metadata)
            elif packed.Unpack(bad_request):
                violations = _violations(bad_request.field_violations)
            elif packed.Unpack(found):
                detail = found
    except DecodeError:
        pass  # malformed details: keep what has been parsed so far
    return _make(error.details() or "", error.code(), reason, metadata, violations, detail if has_info else None)


def from_item_error(error: ItemError) -> QConfigError:
    """Converts the error of a batch item to the exception that a single call would raise."""
    reason = ErrorReason.Name(error.reason)[len(_PREFIX) :] if error.reason in ErrorReason.values() else ""
    return _make(
        error.message,
        _CODES.get(error.code, grpc.StatusCode.UNKNOWN),
        reason,
        error.metadata,
        _violations(error.field_violations),
        error.detail,
    )


def with_hint(error: QConfigError, hint: str) -> QConfigError:
    """Returns `error` with `hint` added to its message."""
    end = "" if error.message.endswith((".", "?")) else "."
    return with_text(error, f"{error.message}{end} {hint}")


def with_text(error: QConfigError, message: str) -> QConfigError:
    """Returns `error` with another message."""
    return _make(message, error.code, error.reason, error.metadata, error.field_violations, error.detail)


def _details(error: grpc.RpcError) -> list[Any]:
    status = status_pb2.Status()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status.ParseFromString(value)
    return list(status.details)


def _violations(messages: Iterable[Any]) -> tuple[FieldViolation, ...]:
    return tuple(FieldViolation(message.field, message.description) for message in messages)


def _make(
    message: str,
    code: grpc.StatusCode,
    reason: str,
    metadata: Mapping[str, str],
    violations: tuple[FieldViolation, ...],
    detail: Optional[ErrorDetail],
) -> QConfigError:
    if reason not in _BY_REASON:
        reason = ""
    error_class = _BY_REASON.get(reason) or _BY_CODE.get(code, QConfigError)
    return error_class(message, code=code, reason=reason, metadata=metadata, field_violations=violations, detail=detail)
