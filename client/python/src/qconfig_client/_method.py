# SPDX-License-Identifier: Apache-2.0
"""Typed descriptions of the methods of both services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from qconfig.v1 import config_service_pb2 as config
from qconfig.v1 import plan_pb2 as plan
from qconfig.v1 import registry_service_pb2 as registry

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Request, Response]):
    path: str
    response: type[Response]


def _config(request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return _method("ConfigService", request, response)


def _registry(request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return _method("RegistryService", request, response)


def _method(service: str, request: type[Request], response: type[Response]) -> Method[Request, Response]:
    return Method(f"/qconfig.v1.{service}/{request.__name__[: -len('Request')]}", response)


GET_CONFIG = _config(config.GetConfigRequest, config.GetConfigResponse)
BATCH_GET_CONFIG = _config(config.BatchGetConfigRequest, config.BatchGetConfigResponse)
PLAN_LAYERS = _config(plan.PlanLayersRequest, plan.PlanLayersResponse)
LIST_TEMPLATES = _config(config.ListTemplatesRequest, config.ListTemplatesResponse)
GET_TEMPLATE = _config(config.GetTemplateRequest, config.GetTemplateResponse)
LIST_SCHEMES = _config(config.ListSchemesRequest, config.ListSchemesResponse)
GET_SCHEME = _config(config.GetSchemeRequest, config.GetSchemeResponse)
LIST_CATALOGS = _config(config.ListCatalogsRequest, config.ListCatalogsResponse)
WHO_AM_I = _config(config.WhoAmIRequest, config.WhoAmIResponse)
REGISTER_SCHEME = _registry(registry.RegisterSchemeRequest, registry.RegisterSchemeResponse)
UNREGISTER_SCHEME = _registry(registry.UnregisterSchemeRequest, registry.UnregisterSchemeResponse)
REGISTER_TEMPLATE = _registry(registry.RegisterTemplateRequest, registry.RegisterTemplateResponse)
UNREGISTER_TEMPLATE = _registry(registry.UnregisterTemplateRequest, registry.UnregisterTemplateResponse)
SET_DEFAULT_CATALOG = _registry(registry.SetDefaultCatalogRequest, registry.SetDefaultCatalogResponse)
LIST_CHANGES = _registry(registry.ListChangesRequest, registry.ListChangesResponse)
