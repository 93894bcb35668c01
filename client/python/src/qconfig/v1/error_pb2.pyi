# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import plan_pb2 as _plan_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ERROR_REASON_ALGORITHM_CONFIG_MISSING: ErrorReason
ERROR_REASON_ANSWER_TOO_LARGE: ErrorReason
ERROR_REASON_AUDIT_UNAVAILABLE: ErrorReason
ERROR_REASON_BUILTIN_READ_ONLY: ErrorReason
ERROR_REASON_CATALOG_NOT_FOUND: ErrorReason
ERROR_REASON_CREDENTIALS_INVALID: ErrorReason
ERROR_REASON_CREDENTIALS_MISSING: ErrorReason
ERROR_REASON_ETAG_MISMATCH: ErrorReason
ERROR_REASON_INVALID_ALGORITHM_CONFIG: ErrorReason
ERROR_REASON_INVALID_REQUEST: ErrorReason
ERROR_REASON_INVALID_TENSOR_CONFIG: ErrorReason
ERROR_REASON_MESSAGE_TOO_LARGE: ErrorReason
ERROR_REASON_NOT_IN_CATALOG: ErrorReason
ERROR_REASON_OVERLOADED: ErrorReason
ERROR_REASON_PERMISSION_DENIED: ErrorReason
ERROR_REASON_PLAN_HAS_FINDINGS: ErrorReason
ERROR_REASON_QUOTA_EXCEEDED: ErrorReason
ERROR_REASON_RATE_LIMITED: ErrorReason
ERROR_REASON_REQUEST_ID_REUSED: ErrorReason
ERROR_REASON_REVISION_COMPACTED: ErrorReason
ERROR_REASON_REVISION_IN_FUTURE: ErrorReason
ERROR_REASON_REVISION_LOST: ErrorReason
ERROR_REASON_REVISION_MISMATCH: ErrorReason
ERROR_REASON_SCHEME_EXISTS: ErrorReason
ERROR_REASON_SCHEME_NOT_FOUND: ErrorReason
ERROR_REASON_SHUTTING_DOWN: ErrorReason
ERROR_REASON_STORAGE_FULL: ErrorReason
ERROR_REASON_STORAGE_UNAVAILABLE: ErrorReason
ERROR_REASON_TEMPLATE_EXISTS: ErrorReason
ERROR_REASON_TEMPLATE_NOT_FOUND: ErrorReason
ERROR_REASON_UNSPECIFIED: ErrorReason
ERROR_REASON_UNSUPPORTED_ALGORITHM: ErrorReason
ERROR_REASON_UNSUPPORTED_ATTENTION_SCHEME: ErrorReason
ERROR_REASON_UNSUPPORTED_KV_CACHE_SCHEME: ErrorReason
SUGGESTION_KIND_FORMER_NAME: SuggestionKind
SUGGESTION_KIND_OTHER_CATALOG: SuggestionKind
SUGGESTION_KIND_OTHER_RELEASE: SuggestionKind
SUGGESTION_KIND_OTHER_TOOL: SuggestionKind
SUGGESTION_KIND_RELATED_MODEL: SuggestionKind
SUGGESTION_KIND_REMOVED: SuggestionKind
SUGGESTION_KIND_SIMILAR_NAME: SuggestionKind
SUGGESTION_KIND_SPELLING: SuggestionKind
SUGGESTION_KIND_UNSPECIFIED: SuggestionKind

class ErrorDetail(_message.Message):
    __slots__ = ["advice", "allowed", "allowed_total", "catalog", "field", "finding_total", "findings", "first_revision", "newest_revision", "required_role", "retry_after_ms", "rule", "suggestion_reasons", "suggestions", "tenant", "value"]
    ADVICE_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    ALLOWED_TOTAL_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    FINDINGS_FIELD_NUMBER: _ClassVar[int]
    FINDING_TOTAL_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    NEWEST_REVISION_FIELD_NUMBER: _ClassVar[int]
    REQUIRED_ROLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    RULE_FIELD_NUMBER: _ClassVar[int]
    SUGGESTIONS_FIELD_NUMBER: _ClassVar[int]
    SUGGESTION_REASONS_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    advice: str
    allowed: _containers.RepeatedScalarFieldContainer[str]
    allowed_total: int
    catalog: str
    field: str
    finding_total: int
    findings: _containers.RepeatedCompositeFieldContainer[_plan_pb2.Finding]
    first_revision: int
    newest_revision: int
    required_role: str
    retry_after_ms: int
    rule: str
    suggestion_reasons: _containers.RepeatedCompositeFieldContainer[SuggestionReason]
    suggestions: _containers.RepeatedScalarFieldContainer[str]
    tenant: str
    value: str
    def __init__(self, field: _Optional[str] = ..., value: _Optional[str] = ..., allowed: _Optional[_Iterable[str]] = ..., allowed_total: _Optional[int] = ..., suggestions: _Optional[_Iterable[str]] = ..., rule: _Optional[str] = ..., tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., first_revision: _Optional[int] = ..., newest_revision: _Optional[int] = ..., findings: _Optional[_Iterable[_Union[_plan_pb2.Finding, _Mapping]]] = ..., finding_total: _Optional[int] = ..., suggestion_reasons: _Optional[_Iterable[_Union[SuggestionReason, _Mapping]]] = ..., advice: _Optional[str] = ..., required_role: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class FieldViolation(_message.Message):
    __slots__ = ["description", "field"]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    description: str
    field: str
    def __init__(self, field: _Optional[str] = ..., description: _Optional[str] = ...) -> None: ...

class ItemError(_message.Message):
    __slots__ = ["code", "detail", "field_violations", "message", "metadata", "reason"]
    class MetadataEntry(_message.Message):
        __slots__ = ["key", "value"]
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    FIELD_VIOLATIONS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    code: int
    detail: ErrorDetail
    field_violations: _containers.RepeatedCompositeFieldContainer[FieldViolation]
    message: str
    metadata: _containers.ScalarMap[str, str]
    reason: ErrorReason
    def __init__(self, code: _Optional[int] = ..., reason: _Optional[_Union[ErrorReason, str]] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ..., field_violations: _Optional[_Iterable[_Union[FieldViolation, _Mapping]]] = ..., detail: _Optional[_Union[ErrorDetail, _Mapping]] = ...) -> None: ...

class SuggestionReason(_message.Message):
    __slots__ = ["catalog", "kind", "revision", "source", "text"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    kind: SuggestionKind
    revision: int
    source: str
    text: str
    def __init__(self, kind: _Optional[_Union[SuggestionKind, str]] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., source: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class SuggestionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
