# SPDX-License-Identifier: Apache-2.0
from qconfig.v1 import annotations_pb2 as _annotations_pb2
from qconfig.v1 import config_service_pb2 as _config_service_pb2
from qconfig.v1 import registry_pb2 as _registry_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListChangesRequest(_message.Message):
    __slots__ = ["page_size", "page_token", "tenant", "view"]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    tenant: str
    view: _config_service_pb2.EntryView
    def __init__(self, tenant: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., view: _Optional[_Union[_config_service_pb2.EntryView, str]] = ...) -> None: ...

class ListChangesResponse(_message.Message):
    __slots__ = ["changes", "first_revision", "next_page_token", "revision"]
    CHANGES_FIELD_NUMBER: _ClassVar[int]
    FIRST_REVISION_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    changes: _containers.RepeatedCompositeFieldContainer[_registry_pb2.ChangeRecord]
    first_revision: int
    next_page_token: str
    revision: int
    def __init__(self, changes: _Optional[_Iterable[_Union[_registry_pb2.ChangeRecord, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., revision: _Optional[int] = ..., first_revision: _Optional[int] = ...) -> None: ...

class RegisterSchemeRequest(_message.Message):
    __slots__ = ["etag", "replace", "request_id", "scheme", "tenant", "validate_only"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    etag: str
    replace: bool
    request_id: str
    scheme: _registry_pb2.Scheme
    tenant: str
    validate_only: bool
    def __init__(self, tenant: _Optional[str] = ..., scheme: _Optional[_Union[_registry_pb2.Scheme, _Mapping]] = ..., request_id: _Optional[str] = ..., validate_only: bool = ..., replace: bool = ..., etag: _Optional[str] = ...) -> None: ...

class RegisterSchemeResponse(_message.Message):
    __slots__ = ["replaced", "revision", "scheme", "warnings"]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    replaced: bool
    revision: int
    scheme: _registry_pb2.Scheme
    warnings: _containers.RepeatedCompositeFieldContainer[_config_service_pb2.Warning]
    def __init__(self, revision: _Optional[int] = ..., scheme: _Optional[_Union[_registry_pb2.Scheme, _Mapping]] = ..., replaced: bool = ..., warnings: _Optional[_Iterable[_Union[_config_service_pb2.Warning, _Mapping]]] = ...) -> None: ...

class RegisterTemplateRequest(_message.Message):
    __slots__ = ["etag", "llm_template", "must_be_new", "request_id", "tenant", "validate_only"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    LLM_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    MUST_BE_NEW_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    etag: str
    llm_template: _registry_pb2.LlmTemplate
    must_be_new: bool
    request_id: str
    tenant: str
    validate_only: bool
    def __init__(self, tenant: _Optional[str] = ..., llm_template: _Optional[_Union[_registry_pb2.LlmTemplate, _Mapping]] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: bool = ..., must_be_new: bool = ...) -> None: ...

class RegisterTemplateResponse(_message.Message):
    __slots__ = ["llm_template", "replaced", "revision", "shadows_builtin", "warnings"]
    LLM_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SHADOWS_BUILTIN_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    llm_template: _registry_pb2.LlmTemplate
    replaced: bool
    revision: int
    shadows_builtin: bool
    warnings: _containers.RepeatedCompositeFieldContainer[_config_service_pb2.Warning]
    def __init__(self, revision: _Optional[int] = ..., llm_template: _Optional[_Union[_registry_pb2.LlmTemplate, _Mapping]] = ..., replaced: bool = ..., shadows_builtin: bool = ..., warnings: _Optional[_Iterable[_Union[_config_service_pb2.Warning, _Mapping]]] = ...) -> None: ...

class SetDefaultCatalogRequest(_message.Message):
    __slots__ = ["catalog", "expected_revision", "request_id", "tenant", "validate_only"]
    CATALOG_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_REVISION_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    catalog: str
    expected_revision: int
    request_id: str
    tenant: str
    validate_only: bool
    def __init__(self, tenant: _Optional[str] = ..., catalog: _Optional[str] = ..., expected_revision: _Optional[int] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class SetDefaultCatalogResponse(_message.Message):
    __slots__ = ["previous_catalog", "revision"]
    PREVIOUS_CATALOG_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    previous_catalog: str
    revision: int
    def __init__(self, revision: _Optional[int] = ..., previous_catalog: _Optional[str] = ...) -> None: ...

class UnregisterSchemeRequest(_message.Message):
    __slots__ = ["etag", "name", "request_id", "tenant", "validate_only"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    etag: str
    name: str
    request_id: str
    tenant: str
    validate_only: bool
    def __init__(self, tenant: _Optional[str] = ..., name: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class UnregisterSchemeResponse(_message.Message):
    __slots__ = ["revision", "scheme"]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    SCHEME_FIELD_NUMBER: _ClassVar[int]
    revision: int
    scheme: _registry_pb2.Scheme
    def __init__(self, revision: _Optional[int] = ..., scheme: _Optional[_Union[_registry_pb2.Scheme, _Mapping]] = ...) -> None: ...

class UnregisterTemplateRequest(_message.Message):
    __slots__ = ["etag", "model_type", "request_id", "tenant", "validate_only"]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    MODEL_TYPE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    TENANT_FIELD_NUMBER: _ClassVar[int]
    VALIDATE_ONLY_FIELD_NUMBER: _ClassVar[int]
    etag: str
    model_type: str
    request_id: str
    tenant: str
    validate_only: bool
    def __init__(self, tenant: _Optional[str] = ..., model_type: _Optional[str] = ..., etag: _Optional[str] = ..., request_id: _Optional[str] = ..., validate_only: bool = ...) -> None: ...

class UnregisterTemplateResponse(_message.Message):
    __slots__ = ["llm_template", "revision"]
    LLM_TEMPLATE_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    llm_template: _registry_pb2.LlmTemplate
    revision: int
    def __init__(self, revision: _Optional[int] = ..., llm_template: _Optional[_Union[_registry_pb2.LlmTemplate, _Mapping]] = ...) -> None: ...
