# SPDX-License-Identifier: Apache-2.0
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from qconfig.v1 import config_spec_pb2 as _config_spec_pb2
from qconfig.v1 import error_pb2 as _error_pb2
from qconfig.v1 import plan_pb2 as _plan_pb2
from qconfig.v1 import quantization_pb2 as _quantization_pb2
from qconfig.v1 import registry_pb2 as _registry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor
ENTRY_VIEW_BASIC: EntryView
ENTRY_VIEW_FULL: EntryView
ENTRY_VIEW_UNSPECIFIED: EntryView
WARNING_CODE_ALGORITHM_REJECTS_SCHEME: WarningCode
WARNING_CODE_ALGORITHM_UNUSUAL_FOR_SCHEME: WarningCode
WARNING_CODE_ATTENTION_WITHOUT_LAYERS: WarningCode
WARNING_CODE_FUSED_MODULES_DIFFER: WarningCode
WARNING_CODE_FUSED_MODULES_PARTLY_EXCLUDED: WarningCode
WARNING_CODE_KV_CACHE_WITHOUT_LAYERS: WarningCode
WARNING_CODE_OVERRIDE_EXCLUDED: WarningCode
WARNING_CODE_OVERRIDE_NEVER_WINS: WarningCode
WARNING_CODE_PATTERN_HAS_SEPARATOR: WarningCode
WARNING_CODE_PATTERN_LOOKS_LIKE_REGEX: WarningCode
WARNING_CODE_SCHEME_ALIAS: WarningCode
WARNING_CODE_SHADOWS_BUILTIN: WarningCode
WARNING_CODE_SHARED_SCALES_DROPPED: WarningCode
WARNING_CODE_TEMPLATE_EXCLUSION_DROPPED: WarningCode
WARNING_CODE_UNSPECIFIED: WarningCode

class BatchGetConfigRequest(_message.Message):
    __slots__ = ["requests"]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[GetConfigRequest]
    def __init__(self, requests: _Optional[_Iterable[_Union[GetConfigRequest, _Mapping]]] = ...) -> None: ...

class BatchGetConfigResponse(_message.Message):
    __slots__ = ["results"]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[BatchGetConfigResult]
    def __init__(self, results: _Optional[_Iterable[_Union[BatchGetConfigResult, _Mapping]]] = ...) -> None: ...

class BatchGetConfigResult(_message.Message):
    __slots__ = ["error", "response"]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    error: _error_pb2.ItemError
    response: GetConfigResponse
    def __init__(self, response: _Optional[_Union[GetConfigResponse, _Mapping]] = ..., error: _Optional[_Union[_error_pb2.ItemError, _Mapping]] = ...) -> None: ...

class Catalog(_message.Message):
    __slots__ = ["algorithms", "attention_schemes", "digest", "is_default", "kv_cache_schemes", "name", "observers", "quark_release", "scheme_count", "template_count", "traits"]
    ALGORITHMS_FIELD_NUMBER: _ClassVar[int]
    ATTENTION_SCHEMES_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    IS_DEFAULT_FIELD_NUMBER: _ClassVar[int]
    KV_CACHE_SCHEMES_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    OBSERVERS_FIELD_NUMBER: _ClassVar[int]
    QUARK_RELEASE_FIELD_NUMBER: _ClassVar[int]
    SCHEME_COUNT_FIELD_NUMBER: _ClassVar[int]
    TEMPLATE_COUNT_FIELD_NUMBER: _ClassVar[int]
    TRAITS_FIELD_NUMBER: _ClassVar[int]
    algorithms: _containers.RepeatedScalarFieldContainer[str]
    attention_schemes: _containers.RepeatedScalarFieldContainer[str]
    digest: str
    is_default: bool
    kv_cache_schemes: _containers.RepeatedScalarFieldContainer[str]
    name: str
    observers: _containers.RepeatedScalarFieldContainer[str]
    quark_release: str
    scheme_count: int
    template_count: int
    traits: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., quark_release: _Optional[str] = ..., digest: _Optional[str] = ..., is_default: bool = ..., template_count: _Optional[int] = ..., scheme_count: _Optional[int] = ..., traits: _Optional[_Iterable[str]] = ..., algorithms: _Optional[_Iterable[str]] = ..., kv_cache_schemes: _Optional[_Iterable[str]] = ..., attention_schemes: _Optional[_Iterable[str]] = ..., observers: _Optional[_Iterable[str]] = ...) -> None: ...

class GetConfigRequest(_message.Message):
    __slots__ = ["catalog", "if_digest", "include_canonical_json", "include_quark_json", "min_revision", "revision", "spec", "tenant"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    IF_DIGEST_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_CANONICAL_JSON_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_QUARK_JSON_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    if_digest: str
    include_canonical_json: bool
    include_quark_json: bool
    min_revision: int
    revision: int
    spec: _config_spec_pb2.ConfigSpec
    tenant: str
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., if_digest: _Optional[str] = ..., include_quark_json: bool = ..., include_canonical_json: bool = ..., spec: _Optional[_Union[_config_spec_pb2.ConfigSpec, _Mapping]] = ...) -> None: ...

class GetConfigResponse(_message.Message):
    __slots__ = ["canonical_json", "catalog", "catalog_digest", "config", "config_digest", "not_modified", "quark_json", "revision", "warnings"]
    CANONICAL_JSON_FIELD_NUMBER: _ClassVar[int]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    CONFIG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    NOT_MODIFIED_FIELD_NUMBER: _ClassVar[int]
    QUARK_JSON_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    canonical_json: str
    catalog: str
    catalog_digest: str
    config: _quantization_pb2.QConfig
    config_digest: str
    not_modified: bool
    quark_json: str
    revision: int
    warnings: _containers.RepeatedCompositeFieldContainer[Warning]
    def __init__(self, config: _Optional[_Union[_quantization_pb2.QConfig, _Mapping]] = ..., quark_json: _Optional[str] = ..., canonical_json: _Optional[str] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ..., config_digest: _Optional[str] = ..., not_modified: bool = ..., warnings: _Optional[_Iterable[_Union[Warning, _Mapping]]] = ...) -> None: ...

class GetSchemeRequest(_message.Message):
    __slots__ = ["catalog", "min_revision", "name", "revision", "tenant"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    min_revision: int
    name: str
    revision: int
    tenant: str
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class GetSchemeResponse(_message.Message):
    __slots__ = ["catalog", "catalog_digest", "revision", "scheme"]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    catalog_digest: str
    revision: int
    scheme: _registry_pb2.Scheme
    def __init__(self, scheme: _Optional[_Union[_registry_pb2.Scheme, _Mapping]] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class GetTemplateRequest(_message.Message):
    __slots__ = ["catalog", "min_revision", "model_type", "revision", "tenant"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    min_revision: int
    model_type: str
    revision: int
    tenant: str
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., model_type: _Optional[str] = ...) -> None: ...

class GetTemplateResponse(_message.Message):
    __slots__ = ["catalog", "catalog_digest", "llm_template", "revision"]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    LLM_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    catalog_digest: str
    llm_template: _registry_pb2.LlmTemplate
    revision: int
    def __init__(self, llm_template: _Optional[_Union[_registry_pb2.LlmTemplate, _Mapping]] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ListCatalogsRequest(_message.Message):
    __slots__ = ["tenant"]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    tenant: str
    def __init__(self, tenant: _Optional[str] = ...) -> None: ...

class ListCatalogsResponse(_message.Message):
    __slots__ = ["catalogs"]
    CATALOGS_FIELD_NUMBER: _ClassVar[int]
    catalogs: _containers.RepeatedCompositeFieldContainer[Catalog]
    def __init__(self, catalogs: _Optional[_Iterable[_Union[Catalog, _Mapping]]] = ...) -> None: ...

class ListSchemesRequest(_message.Message):
    __slots__ = ["catalog", "min_revision", "page_size", "page_token", "revision", "tenant", "view"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    min_revision: int
    page_size: int
    page_token: str
    revision: int
    tenant: str
    view: EntryView
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[EntryView, str]] = ...) -> None: ...

class ListSchemesResponse(_message.Message):
    __slots__ = ["catalog", "catalog_digest", "next_page_token", "revision", "schemes", "total_size"]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SCHEMES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    catalog_digest: str
    next_page_token: str
    revision: int
    schemes: _containers.RepeatedCompositeFieldContainer[_registry_pb2.Scheme]
    total_size: int
    def __init__(self, schemes: _Optional[_Iterable[_Union[_registry_pb2.Scheme, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class ListTemplatesRequest(_message.Message):
    __slots__ = ["catalog", "min_revision", "page_size", "page_token", "revision", "tenant", "view"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    MIN_REVISION_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    min_revision: int
    page_size: int
    page_token: str
    revision: int
    tenant: str
    view: EntryView
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., revision: _Optional[int] = ..., min_revision: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[EntryView, str]] = ...) -> None: ...

class ListTemplatesResponse(_message.Message):
    __slots__ = ["catalog", "catalog_digest", "llm_templates", "next_page_token", "revision", "total_size"]
    CATALOG_DIGEST_FIELD_NUMBER: _ClassVar[int]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    LLM_TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TOTAL_SIZE_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    catalog_digest: str
    llm_templates: _containers.RepeatedCompositeFieldContainer[_registry_pb2.LlmTemplate]
    next_page_token: str
    revision: int
    total_size: int
    def __init__(self, llm_templates: _Optional[_Iterable[_Union[_registry_pb2.LlmTemplate, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., total_size: _Optional[int] = ..., catalog: _Optional[str] = ..., catalog_digest: _Optional[str] = ..., revision: _Optional[int] = ...) -> None: ...

class RoleGrant(_message.Message):
    __slots__ = ["create", "role", "tenants"]
    CREATE_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    TENANTS_FIELD_NUMBER: _ClassVar[int]
    create: bool
    role: _annotations_pb2.Role
    tenants: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, role: _Optional[_Union[_annotations_pb2.Role, str]] = ..., tenants: _Optional[_Iterable[str]] = ..., create: bool = ...) -> None: ...

class Warning(_message.Message):
    __slots__ = ["code", "field", "message", "value"]
    CODE_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    code: WarningCode
    field: str
    message: str
    value: str
    def __init__(self, code: _Optional[_Union[WarningCode, str]] = ..., message: _Optional[str] = ..., field: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...

class WhoAmIRequest(_message.Message):
    __slots__ = []
    def __init__(self) -> None: ...

class WhoAmIResponse(_message.Message):
    __slots__ = ["credential", "default_tenant", "expire_time", "grants", "has_policy", "principal"]
    CREDENTIAL_FIELD_NUMBER: _ClassVar[int]
    DEFAULT_TENANT_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    HAS_POLICY_FIELD_NUMBER: _ClassVar[int]
    PRINCIPAL_FIELD_NUMBER: _ClassVar[int]
    credential: str
    default_tenant: str
    expire_time: _timestamp_pb2.Timestamp
    grants: _containers.RepeatedCompositeFieldContainer[RoleGrant]
    has_policy: bool
    principal: str
    def __init__(self, has_policy: bool = ..., principal: _Optional[str] = ..., credential: _Optional[str] = ..., expire_time: _Optional[_Union[_timestamp_pb2.Timestamp, _Mapping]] = ..., default_tenant: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[RoleGrant, _Mapping]]] = ...) -> None: ...

class WarningCode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []

class EntryView(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = []
