# SPDX-License-Identifier: Apache-2.0
"""A drop-in replacement for Quark's `LLMTemplate` that uses a qconfig server. A worker changes one import:

    from qconfig_client.quark import LLMTemplate  # was: from quark.torch import LLMTemplate

    config = LLMTemplate.get("llama").get_config(scheme="fp8", kv_cache_scheme="fp8")

QCONFIG_SERVER sets the server (default: localhost:50051), QCONFIG_TENANT the tenant, and QCONFIG_CATALOG the catalogue
(default: that of the installed amd-quark). `configure` overrides them, and takes the options of a Client.

Registered entries belong to the tenant: other processes see them, and they are permanent. Errors are both of Quark's
types (ValueError, KeyError, NotImplementedError) and of this package; an unreachable server is a QConfigError.
Only functions that return Quark's objects need and import amd-quark.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

from qconfig.v1.config_service_pb2 import GetTemplateResponse, Warning  # noqa: A004
from qconfig.v1.registry_pb2 import REGISTRY_ORIGIN_TENANT, LlmTemplate, Scheme
from qconfig_client import _from_quark, _to_quark, errors
from qconfig_client._request import algo_config, pairs
from qconfig_client._to_quark import QuarkMissing, installed_release
from qconfig_client.client import Client
from qconfig_client.config import warning_text

if TYPE_CHECKING:
    from quark.torch.quantization.config.config import QConfig as QuarkQConfig

__all__ = ["LLMTemplate", "OverrideSchemeNotFound", "QuarkMissing", "client", "configure", "installed_release"]

_LOG = logging.getLogger("qconfig_client")
_clients: dict[str, Client] = {}  # at most one, under "client"; no lock, because a child could inherit it locked
_registered_here: set[str] = set()  # names of schemes; a forked child inherits its parent's


class OverrideSchemeNotFound(errors.SchemeNotFound, KeyError):
    """An override names an unknown scheme. Quark raises a KeyError."""


def configure(
    server: Optional[str] = None, *, tenant: Optional[str] = None, catalog: Optional[str] = None, **options: Any
) -> None:
    """Sets the server and the options of the Client to use. Values of None come from the environment."""
    new = _new_client(server, tenant, catalog, **options)
    old = _clients.get("client")
    _registered_here.clear()
    _clients["client"] = new
    if old is not None:
        old.close()


def _new_client(
    server: Optional[str] = None, tenant: Optional[str] = None, catalog: Optional[str] = None, **options: Any
) -> Client:
    return Client(
        server or os.environ.get("QCONFIG_SERVER") or "localhost:50051",
        tenant=os.environ.get("QCONFIG_TENANT", "") if tenant is None else tenant,
        catalog=(os.environ.get("QCONFIG_CATALOG") or None) if catalog is None else catalog,
        **options,
    )


def client() -> Client:
    """The current client."""
    return _clients.get("client") or _clients.setdefault("client", _new_client())


def _log(warnings: Iterable[Warning]) -> None:
    for warning in warnings:
        _LOG.warning("%s", warning_text(warning))


class LLMTemplate:
    """The template of a model type, with the interface of Quark's class of this name.

    `get` returns a copy. A template that was created or modified must be registered before `get_config`.
    """

    def __init__(
        self,
        model_type: str,
        kv_layers_name: Optional[list[str]] = None,
        q_layer_name: Union[str, list[str], None] = None,
        gate_up_layers_name: Optional[list[str]] = None,
        exclude_layers_name: Iterable[str] = (),
        algorithm_configs: Optional[Mapping[str, Any]] = None,
        f2f_weight_converters: Optional[list[Any]] = None,
        **legacy_algorithm_parameters: Any,
    ) -> None:
        self.model_type = model_type
        self.kv_layers_name = kv_layers_name
        self.q_layer_name = q_layer_name
        self.gate_up_layers_name = ["gate_proj", "up_proj"] if gate_up_layers_name is None else gate_up_layers_name
        self.exclude_layers_name = list(exclude_layers_name)
        self._f2f_weight_converters = f2f_weight_converters
        self._algo_config: Optional[dict[str, Any]] = {}
        for parameter, config in legacy_algorithm_parameters.items():
            if not parameter.endswith("_config"):
                raise ValueError(
                    f"unexpected argument {parameter} of LLMTemplate: use algorithm_configs={{name: configuration}}"
                )
            self._algo_config[parameter[: -len("_config")]] = config
        for name, config in (algorithm_configs or {}).items():
            self._algo_config[name.lower()] = config
        self._response: Optional[GetTemplateResponse] = None
        self._registered: Optional[LlmTemplate] = None  # the server's version, as from `_message`

    @classmethod
    def get(cls, model_type: str) -> LLMTemplate:
        response = client().get_template(model_type)
        served = response.llm_template
        template = cls(
            served.model_type,
            list(served.kv_layers_name) or None,
            served.q_layer_name[0] if len(served.q_layer_name) == 1 else list(served.q_layer_name) or None,
            list(served.gate_up_layers_name),
            served.exclude_layers_name,
        )
        template._algo_config = None  # converted on demand, because that needs amd-quark
        template._response = response
        template._registered = template._message()
        return template

    @classmethod
    def list_available(cls) -> list[str]:
        return [template.model_type for template in client().all_templates(page_size=1000)]

    @classmethod
    def register_template(cls, template: LLMTemplate) -> None:
        """Registers or replaces the template, permanently and for all processes of the tenant, unlike Quark's.

        Writes nothing if the tenant already has the same template.
        """
        message = template._message()
        if not cls._has(message):
            response = client().register_template(message)
            if response.replaced:
                _LOG.warning("replaced the existing template %s", template.model_type)
            _log(response.warnings)
        template._registered = message

    @classmethod
    def _has(cls, message: LlmTemplate) -> bool:
        try:
            stored = cls.get(message.model_type)
        except errors.TemplateNotFound:
            return False
        assert stored._response is not None
        is_tenants = stored._response.llm_template.origin == REGISTRY_ORIGIN_TENANT
        return is_tenants and stored._registered == message

    @classmethod
    def register_scheme(cls, scheme_name: str, config: Any) -> None:
        """Registers a scheme, permanently and for all processes of the tenant, unlike Quark's.

        It is not an error if another process has registered the same configuration under this name.
        config: Quark's QLayerConfig.
        """
        scheme = Scheme(name=scheme_name, config=_from_quark.layer_config(config))
        try:
            _log(client().register_scheme(scheme).warnings)
        except errors.SchemeExists:
            if scheme_name in _registered_here or client().get_scheme(scheme_name).scheme.config != scheme.config:
                raise
        _registered_here.add(scheme_name)

    @classmethod
    def unregister_scheme(cls, scheme_name: str) -> None:
        client().unregister_scheme(scheme_name)
        _registered_here.discard(scheme_name)

    @classmethod
    def get_supported_schemes(cls) -> list[str]:
        return [scheme.name for scheme in client().all_schemes(page_size=1000)]

    @property
    def algo_config(self) -> dict[str, Any]:
        """The algorithm configurations as Quark's objects; None for an algorithm without one."""
        if self._algo_config is None:
            assert self._response is not None
            catalogs = {catalog.name: catalog for catalog in client().list_catalogs().catalogs}
            catalog = catalogs[self._response.catalog]
            _to_quark.require_quark(catalog.quark_release)
            was_changed = self._message() != self._registered
            self._algo_config = dict.fromkeys(catalog.algorithms)
            for entry in self._response.llm_template.algorithm_configs:
                self._algo_config[entry.algorithm] = _to_quark.algo_config_to_quark(entry.config)
            if not was_changed:  # requests and responses represent None differently
                self._registered = self._message()
        return self._algo_config

    @property
    def f2f_weight_converters(self) -> Optional[list[Any]]:
        """The converters that split fused tensors of a checkpoint, as Quark's objects."""
        if self._f2f_weight_converters is None and self._response is not None:
            _to_quark.require_quark()
            converters = self._response.llm_template.f2f_weight_converters
            self._f2f_weight_converters = _to_quark.weight_converters_to_quark(converters)
        return self._f2f_weight_converters

    def get_config(
        self,
        scheme: str,
        algorithm: Union[str, list[str], None] = None,
        kv_cache_scheme: Optional[str] = None,
        min_kv_scale: float = 0.0,
        attention_scheme: Optional[str] = None,
        layer_config: Optional[dict[str, str]] = None,
        layer_type_config: Optional[dict[Any, str]] = None,
        exclude_layers: Optional[list[str]] = None,
        algo_configs: Optional[dict[str, Any]] = None,
        shared_scale_groups: Optional[list[list[str]]] = None,
    ) -> QuarkQConfig:
        _to_quark.require_quark()
        self._check_registered()
        requested = [algorithm] if isinstance(algorithm, str) and algorithm else list(algorithm or ())
        lower = {name.lower() for name in requested}
        try:
            config = client().get_config(
                self.model_type,
                scheme,
                requested,
                kv_cache_scheme,
                min_kv_scale,
                attention_scheme,
                layer_config,
                layer_type_config,
                exclude_layers,
                # Quark ignores the configurations of other algorithms.
                {name: value for name, value in pairs("algo_configs", algo_configs) if name.lower() in lower},
                shared_scale_groups,
            )
        except errors.SchemeNotFound as error:
            if not error.field.startswith("spec.layer_"):
                raise
            raise OverrideSchemeNotFound(
                error.message,
                code=error.code,
                reason=error.reason,
                metadata=error.metadata,
                field_violations=error.field_violations,
                detail=error.detail,
            ) from None
        return config.to_quark()

    def _check_registered(self) -> None:
        if self._registered is None:
            raise ValueError(
                f"the template {self.model_type} is not registered: call LLMTemplate.register_template(template)"
            )
        if self._message() != self._registered:
            raise ValueError(
                f"the template {self.model_type} was modified: call LLMTemplate.register_template(template)"
            )

    def _message(self) -> LlmTemplate:
        message = LlmTemplate(
            model_type=self.model_type,
            kv_layers_name=self.kv_layers_name or (),
            q_layer_name=[self.q_layer_name] if isinstance(self.q_layer_name, str) else self.q_layer_name or (),
            gate_up_layers_name=self.gate_up_layers_name,
            exclude_layers_name=self.exclude_layers_name,
        )
        if self._algo_config is not None:
            for name, config in sorted(self._algo_config.items()):
                if config is not None:
                    message.algorithm_configs.add(algorithm=name, config=algo_config(name, config))
        elif self._response is not None:
            entries = self._response.llm_template.algorithm_configs
            message.algorithm_configs.extend(sorted(entries, key=lambda entry: entry.algorithm))
        if self._f2f_weight_converters is not None:
            message.f2f_weight_converters.extend(_from_quark.weight_converters(self._f2f_weight_converters))
        elif self._response is not None:
            message.f2f_weight_converters.extend(self._response.llm_template.f2f_weight_converters)
        return message
