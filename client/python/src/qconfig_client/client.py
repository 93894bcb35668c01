# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Optional, Union

from qconfig.v1 import config_service_pb2 as config_pb2
from qconfig.v1 import registry_service_pb2 as registry_pb2
from qconfig.v1.config_service_pb2 import EntryView, GetConfigRequest
from qconfig.v1.plan_pb2 import FindingSeverity, PlanLayersRequest, PlanLayersResponse
from qconfig.v1.registry_pb2 import ChangeRecord, LlmTemplate, Scheme
from qconfig_client import _method, _modules, _to_quark, errors
from qconfig_client._cache import Cache
from qconfig_client._connection import SERVICE_CONFIG, Connection, Options, Tls
from qconfig_client._request import AlgoConfigs, LayerConfig, LayerTypeConfig, get_config_request
from qconfig_client._token_file import token_file_of_environment, unencrypted_token_allowed_by_environment
from qconfig_client.config import Config
from qconfig_client.plan import Plan, severity


class Client:
    """Calls a qconfig server. Thread-safe, and usable in parent and child after a fork; a program needs only one.

    server: host:port, where the host may resolve to several addresses, or any other gRPC target.
    tenant, catalog: defaults for requests that do not set them. A `tenant` of "" is the caller's default tenant, which
        a policy can set. A `catalog` of None selects the catalogue of the installed amd-quark, or the tenant's default
        without amd-quark. "" selects the tenant's default, here and in the methods.
    timeout: seconds that a call may take, including its retries; each method can override it.
    tls: None disables TLS; Tls() trusts the system's certificate authorities.
    token_file: a file with the token that authenticates each call, and that is read again when it changes. "" sends no
        token, and None selects the environment variable QCONFIG_TOKEN_FILE.
    allow_unencrypted_token: whether to send the token without TLS too, where others may be able to read it. None
        selects the environment variable QCONFIG_ALLOW_UNENCRYPTED_TOKEN, which can be "true".
    service_config: JSON; if empty, the client uses one server and does not retry.
    cache_dir: a folder that caches the responses of `get_config`. While the server is unavailable, `get_config` returns
        them, marked as `stale`. Each token and each client certificate has its own responses.

    The constructor does not connect: if the server is unreachable, the first call raises ServerUnavailable. A method
    whose call fails raises a QConfigError. If the token file cannot be used, or the token would be sent unencrypted, a
    method raises OSError or ValueError and sends nothing. The protos describe the errors and the arguments.
    """

    def __init__(
        self,
        server: str = "localhost:50051",
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        timeout: float = 10.0,
        tls: Optional[Tls] = None,
        token_file: Union[str, os.PathLike[str], None] = None,
        allow_unencrypted_token: Optional[bool] = None,
        service_config: str = SERVICE_CONFIG,
        cache_dir: Union[str, os.PathLike[str], None] = None,
    ) -> None:
        folder = None if cache_dir is None else os.fspath(cache_dir)
        release = _to_quark.installed_release() if catalog is None else None
        catalog = f"quark-{release}" if release else catalog or ""
        token_path = token_file_of_environment() if token_file is None else os.fspath(token_file)
        if allow_unencrypted_token is None:
            allow_unencrypted_token = unencrypted_token_allowed_by_environment()
        token = (token_path, allow_unencrypted_token)
        self.__setstate__(Options(server, tenant, catalog, timeout, tls, service_config, folder, release, *token))

    def __getstate__(self) -> Options:
        """Makes clients picklable, for spawned processes."""
        return self._options

    def __setstate__(self, options: Options) -> None:
        self._options = options
        self._connection = Connection(options)
        self._cache = None if options.cache_dir is None else Cache(options.cache_dir, options.server)

    def close(self) -> None:
        """Closes the connection and cancels the calls in flight. Later calls raise ValueError."""
        self._connection.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def get_config(
        self,
        model_type: str,
        scheme: str,
        algorithm: Union[str, Iterable[str], None] = None,
        kv_cache_scheme: Optional[str] = None,
        min_kv_scale: float = 0.0,
        attention_scheme: Optional[str] = None,
        layer_config: Optional[LayerConfig] = None,
        layer_type_config: Optional[LayerTypeConfig] = None,
        exclude_layers: Optional[Iterable[str]] = None,
        algo_configs: Optional[AlgoConfigs] = None,
        shared_scale_groups: Optional[Iterable[Iterable[str]]] = None,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        if_digest: str = "",
        include_canonical_json: bool = False,
        timeout: Optional[float] = None,
    ) -> Config:
        """Returns a configuration. The arguments are those of Quark's `LLMTemplate.get_config`.

        As in Quark, None and an empty list differ only for `exclude_layers` and `shared_scale_groups`. The keys of
        `layer_type_config` are classes, such as torch.nn.Linear, or their names. For the values of `algo_configs`, see
        the function `algo_config`.
        """
        request = get_config_request(
            model_type,
            scheme,
            algorithm,
            kv_cache_scheme,
            min_kv_scale,
            attention_scheme,
            layer_config,
            layer_type_config,
            exclude_layers,
            algo_configs,
            shared_scale_groups,
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            if_digest=if_digest,
            include_canonical_json=include_canonical_json,
        )
        caller = self._connection.caller()
        try:
            response = self._connection.call(_method.GET_CONFIG, request, timeout, catalog, caller)
        except errors.QConfigError as error:
            stale = self._cache.response_after(error, request, caller.digest()) if self._cache else None
            if stale is None:
                raise
            return Config(stale, stale=True)
        if self._cache:
            self._cache.put(request, response, caller.digest())
        return Config(response)

    def batch_get_config(
        self, requests: Iterable[Union[GetConfigRequest, Mapping[str, Any]]], *, timeout: Optional[float] = None
    ) -> list[Union[Config, errors.QConfigError]]:
        """Returns a result for each request, in order: a Config, or the error that a single call would have raised.

        requests: up to 1,000 dicts with the arguments of `get_config`, or messages as from `get_config_request`.
        """
        batch = config_pb2.BatchGetConfigRequest()
        catalogs: list[Optional[str]] = []  # as passed by the caller
        for request in requests:
            item = batch.requests.add()
            if isinstance(request, GetConfigRequest):
                item.CopyFrom(request)
                catalogs.append(request.catalog or None)
            else:
                item.CopyFrom(get_config_request(**{**request, "catalog": ""}))
                catalogs.append(request.get("catalog"))
            item.catalog = self._options.named_catalog(catalogs[-1])
            item.tenant = item.tenant or self._options.tenant
        response = self._connection.call(_method.BATCH_GET_CONFIG, batch, timeout)
        return [
            Config(result.response)
            if result.HasField("response")
            else self._options.explained(errors.from_item_error(result.error), catalog)
            for result, catalog in zip(response.results, catalogs)
        ]

    def plan(
        self,
        model: _modules.Modules,
        model_type: Optional[str] = None,
        *,
        scheme: str,
        runtimes: Union[str, Iterable[str]] = (),
        tensor_parallel_size: int = 0,
        fail_at: Union[FindingSeverity, str, None] = None,
        algorithm: Union[str, Iterable[str], None] = None,
        kv_cache_scheme: Optional[str] = None,
        min_kv_scale: float = 0.0,
        attention_scheme: Optional[str] = None,
        layer_config: Optional[LayerConfig] = None,
        layer_type_config: Optional[LayerTypeConfig] = None,
        exclude_layers: Optional[Iterable[str]] = None,
        algo_configs: Optional[AlgoConfigs] = None,
        shared_scale_groups: Optional[Iterable[Iterable[str]]] = None,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        timeout: Optional[float] = None,
    ) -> Plan:
        """Computes what a configuration does to each module of a model, and what is wrong with it.

        The server receives only the names and types of the modules, and the shapes and data types of their weights. The
        arguments that are not listed are those of `get_config`.

        model: a torch.nn.Module, also on the device `meta`; a dict with the type of each module, or with its type and
            the shape and dtype of its weight, such as {"lm_head": ("Linear", (32000, 4096), "bfloat16")}; or names of
            modules, which are Embedding if they have a usual name of embeddings, and otherwise Linear.
        model_type: defaults to `model.config.model_type`.
        runtimes: the runtimes that will serve the model, such as "vllm" or "sglang@0.5.23".
        tensor_parallel_size: the number of ranks among which the runtime splits each layer; 0 if it is unknown.
        fail_at: "warning", "error" or "info": raises PlanHasFindings for findings of this severity or a higher one.
        """
        model_type = model_type or _modules.model_type_of(model)
        modules = _modules.list_modules(model, model_type)
        messages, expanded = _modules.to_messages(modules)
        spec = get_config_request(
            model_type,
            scheme,
            algorithm,
            kv_cache_scheme,
            min_kv_scale,
            attention_scheme,
            layer_config,
            layer_type_config,
            exclude_layers,
            algo_configs,
            shared_scale_groups,
        ).spec
        request = PlanLayersRequest(
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            spec=spec,
            modules=messages,
            runtimes=[runtimes] if isinstance(runtimes, str) else runtimes,
            fail_at=severity(fail_at),
            tensor_parallel_size=tensor_parallel_size,
        )
        response = self._connection.call(_method.PLAN_LAYERS, request, timeout, catalog)
        return Plan(request, response, modules, expanded)

    def plan_layers(self, request: PlanLayersRequest, *, timeout: Optional[float] = None) -> PlanLayersResponse:
        """Returns the plan for a message. `plan` lists the modules of a model and maps the response to them."""
        filled = PlanLayersRequest()
        filled.CopyFrom(request)
        filled.tenant = request.tenant or self._options.tenant
        filled.catalog = self._options.named_catalog(request.catalog or None)
        return self._connection.call(_method.PLAN_LAYERS, filled, timeout, request.catalog or None)

    def list_templates(
        self,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> config_pb2.ListTemplatesResponse:
        """Returns one page."""
        request = config_pb2.ListTemplatesRequest(
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            page_size=page_size,
            page_token=page_token,
            view=view,
        )
        return self._connection.call(_method.LIST_TEMPLATES, request, timeout, catalog)

    def all_templates(
        self,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> Iterator[LlmTemplate]:
        """Iterates over the entries of all pages. `timeout` applies to each page."""
        while True:
            page = self.list_templates(
                tenant=tenant,
                catalog=catalog,
                revision=revision,
                min_revision=min_revision,
                page_size=page_size,
                page_token=page_token,
                view=view,
                timeout=timeout,
            )
            for template in page.llm_templates:
                yield template
            page_token = page.next_page_token
            if not page_token:
                return

    def get_template(
        self,
        model_type: str,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        timeout: Optional[float] = None,
    ) -> config_pb2.GetTemplateResponse:
        request = config_pb2.GetTemplateRequest(
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            model_type=model_type,
        )
        return self._connection.call(_method.GET_TEMPLATE, request, timeout, catalog)

    def list_schemes(
        self,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> config_pb2.ListSchemesResponse:
        """Returns one page."""
        request = config_pb2.ListSchemesRequest(
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            page_size=page_size,
            page_token=page_token,
            view=view,
        )
        return self._connection.call(_method.LIST_SCHEMES, request, timeout, catalog)

    def all_schemes(
        self,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> Iterator[Scheme]:
        """Iterates over the entries of all pages. `timeout` applies to each page."""
        while True:
            page = self.list_schemes(
                tenant=tenant,
                catalog=catalog,
                revision=revision,
                min_revision=min_revision,
                page_size=page_size,
                page_token=page_token,
                view=view,
                timeout=timeout,
            )
            for scheme in page.schemes:
                yield scheme
            page_token = page.next_page_token
            if not page_token:
                return

    def get_scheme(
        self,
        name: str,
        *,
        tenant: str = "",
        catalog: Optional[str] = None,
        revision: int = 0,
        min_revision: int = 0,
        timeout: Optional[float] = None,
    ) -> config_pb2.GetSchemeResponse:
        request = config_pb2.GetSchemeRequest(
            tenant=tenant or self._options.tenant,
            catalog=self._options.named_catalog(catalog),
            revision=revision,
            min_revision=min_revision,
            name=name,
        )
        return self._connection.call(_method.GET_SCHEME, request, timeout, catalog)

    def list_catalogs(
        self,
        *,
        tenant: str = "",
        timeout: Optional[float] = None,
    ) -> config_pb2.ListCatalogsResponse:
        request = config_pb2.ListCatalogsRequest(tenant=tenant or self._options.tenant)
        return self._connection.call(_method.LIST_CATALOGS, request, timeout)

    def who_am_i(self, *, timeout: Optional[float] = None) -> config_pb2.WhoAmIResponse:
        """Returns for whom the server takes the caller, and what its policy allows the caller to do."""
        return self._connection.call(_method.WHO_AM_I, config_pb2.WhoAmIRequest(), timeout)

    def register_scheme(
        self,
        scheme: Scheme,
        *,
        tenant: str = "",
        replace: bool = False,
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
        timeout: Optional[float] = None,
    ) -> registry_pb2.RegisterSchemeResponse:
        """Adds a scheme, or replaces the tenant's scheme of the same name if `replace` or `etag` is set.

        Every write has a random `request_id` by default, so that retries apply it once. After ServerUnavailable or
        DeadlineExceeded it may have been applied: to retry it safely, pass your own `request_id` and reuse it.
        """
        request = registry_pb2.RegisterSchemeRequest(
            tenant=tenant or self._options.tenant,
            scheme=scheme,
            replace=replace,
            etag=etag,
            request_id=request_id or str(uuid.uuid4()),
            validate_only=validate_only,
        )
        return self._connection.call(_method.REGISTER_SCHEME, request, timeout)

    def unregister_scheme(
        self,
        name: str,
        *,
        tenant: str = "",
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
        timeout: Optional[float] = None,
    ) -> registry_pb2.UnregisterSchemeResponse:
        request = registry_pb2.UnregisterSchemeRequest(
            tenant=tenant or self._options.tenant,
            name=name,
            etag=etag,
            request_id=request_id or str(uuid.uuid4()),
            validate_only=validate_only,
        )
        return self._connection.call(_method.UNREGISTER_SCHEME, request, timeout)

    def register_template(
        self,
        llm_template: LlmTemplate,
        *,
        tenant: str = "",
        etag: str = "",
        must_be_new: bool = False,
        request_id: str = "",
        validate_only: bool = False,
        timeout: Optional[float] = None,
    ) -> registry_pb2.RegisterTemplateResponse:
        """Adds a template, or replaces the tenant's template for the model type unless `must_be_new` is set."""
        request = registry_pb2.RegisterTemplateRequest(
            tenant=tenant or self._options.tenant,
            llm_template=llm_template,
            etag=etag,
            must_be_new=must_be_new,
            request_id=request_id or str(uuid.uuid4()),
            validate_only=validate_only,
        )
        return self._connection.call(_method.REGISTER_TEMPLATE, request, timeout)

    def unregister_template(
        self,
        model_type: str,
        *,
        tenant: str = "",
        etag: str = "",
        request_id: str = "",
        validate_only: bool = False,
        timeout: Optional[float] = None,
    ) -> registry_pb2.UnregisterTemplateResponse:
        request = registry_pb2.UnregisterTemplateRequest(
            tenant=tenant or self._options.tenant,
            model_type=model_type,
            etag=etag,
            request_id=request_id or str(uuid.uuid4()),
            validate_only=validate_only,
        )
        return self._connection.call(_method.UNREGISTER_TEMPLATE, request, timeout)

    def set_default_catalog(
        self,
        catalog: str,
        *,
        tenant: str = "",
        expected_revision: int = 0,
        request_id: str = "",
        validate_only: bool = False,
        timeout: Optional[float] = None,
    ) -> registry_pb2.SetDefaultCatalogResponse:
        """Sets the catalogue that the tenant's requests use by default."""
        request = registry_pb2.SetDefaultCatalogRequest(
            tenant=tenant or self._options.tenant,
            catalog=catalog,
            expected_revision=expected_revision,
            request_id=request_id or str(uuid.uuid4()),
            validate_only=validate_only,
        )
        return self._connection.call(_method.SET_DEFAULT_CATALOG, request, timeout)

    def list_changes(
        self,
        *,
        tenant: str = "",
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> registry_pb2.ListChangesResponse:
        """Returns one page of the writes to the tenant's registry, newest first."""
        request = registry_pb2.ListChangesRequest(
            tenant=tenant or self._options.tenant,
            page_size=page_size,
            page_token=page_token,
            view=view,
        )
        return self._connection.call(_method.LIST_CHANGES, request, timeout)

    def all_changes(
        self,
        *,
        tenant: str = "",
        page_size: int = 0,
        page_token: str = "",
        view: EntryView = config_pb2.ENTRY_VIEW_UNSPECIFIED,
        timeout: Optional[float] = None,
    ) -> Iterator[ChangeRecord]:
        """Iterates over the entries of all pages. `timeout` applies to each page."""
        while True:
            page = self.list_changes(
                tenant=tenant,
                page_size=page_size,
                page_token=page_token,
                view=view,
                timeout=timeout,
            )
            for change in page.changes:
                yield change
            page_token = page.next_page_token
            if not page_token:
                return
