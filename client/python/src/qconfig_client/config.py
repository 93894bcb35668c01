# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from qconfig.v1.config_service_pb2 import GetConfigResponse, Warning  # noqa: A004
from qconfig.v1.quantization_pb2 import QConfig

if TYPE_CHECKING:
    from quark.torch.quantization.config.config import QConfig as QuarkQConfig


def warning_text(warning: Warning) -> str:
    """The field, the value and the message, which continues a sentence about the value."""
    value = f'"{warning.value}" ' if warning.value else ""
    return f"{warning.field}: {value}{warning.message}"


class Config:
    """A configuration that the server returned. Two are equal if their responses and `stale` are equal."""

    def __init__(self, response: GetConfigResponse, *, stale: bool = False) -> None:
        self.response = response
        self.stale = stale  # from the cache, because the server was unavailable

    @property
    def proto(self) -> QConfig:
        return self.response.config

    @property
    def not_modified(self) -> bool:
        """The digest equals the request's `if_digest`; the response has no configuration."""
        return self.response.not_modified

    @property
    def catalog(self) -> str:
        return self.response.catalog

    @property
    def revision(self) -> int:
        return self.response.revision

    @property
    def digest(self) -> str:
        return self.response.config_digest

    @property
    def warnings(self) -> list[Warning]:
        return list(cast("Iterable[Warning]", self.response.warnings))

    def to_dict(self) -> dict[str, Any]:
        """The same dict as `to_dict()` of Quark's QConfig, with the same order of keys. For reading and comparing only.

        Do not build a configuration from it: Quark's `QConfig.from_dict` silently drops `exclude`, `kv_cache_group`,
        `min_kv_scale` and `shared_scale_groups`, which yields a wrong model. Use `to_quark()`.
        """
        self._check_modified()
        if not self.response.quark_json:
            raise ValueError("the response has no quark_json: set include_quark_json in the request")
        result: dict[str, Any] = json.loads(self.response.quark_json)
        return result

    def to_quark(self) -> QuarkQConfig:
        """The QConfig that LLMTemplate of the same Quark release returns. Requires the extra `quark`.

        Raises QuarkMissing, an ImportError, if the Quark release of the configuration is not installed.
        """
        self._check_modified()
        from qconfig_client._to_quark import to_quark

        return to_quark(self.proto)

    def _check_modified(self) -> None:
        if self.not_modified:
            raise ValueError(f"the configuration was not modified: use the one with digest {self.digest}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and (self.response, self.stale) == (other.response, other.stale)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        stale = ", stale" if self.stale else ""
        return f"<Config {self.digest[:12]} of {self.catalog}, revision {self.revision}{stale}>"
