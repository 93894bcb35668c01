# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, cast

from qconfig.v1.config_service_pb2 import GetConfigResponse, Warning  # noqa: A004
from qconfig.v1.quantization_pb2 import QConfig

if TYPE_CHECKING:
    from quark.torch.quantization.config.config import QConfig as QuarkQConfig


class Config:
    """A configuration as the server answered it. Equal to another when all that the server said is."""

    def __init__(self, response: GetConfigResponse, *, stale: bool = False) -> None:
        self.response = response
        self.stale = stale  # from the cache, because the server could not be asked

    @property
    def proto(self) -> QConfig:
        return self.response.config

    @property
    def not_modified(self) -> bool:
        """The digest is the request's `if_digest`, so there is neither `proto` nor a dict."""
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
        """What `to_dict()` of Quark's QConfig gives, with the same order of keys: for reading and comparing.

        Do not build a configuration from it. Quark's `QConfig.from_dict` drops `exclude`, `kv_cache_group`,
        `min_kv_scale` and `shared_scale_groups` without an error, and the model comes out wrong. Use `to_quark()`.
        """
        self._check_modified()
        if not self.response.quark_json:
            raise ValueError("the request did not ask for it with include_quark_json")
        result: dict[str, Any] = json.loads(self.response.quark_json)
        return result

    def to_quark(self) -> QuarkQConfig:
        """Quark's own QConfig, as LLMTemplate of the same release returns it. Needs the extra `quark`.

        QuarkMissing, an ImportError: amd-quark is not installed, or another release than that of the configuration.
        """
        self._check_modified()
        from qconfig_client._to_quark import to_quark

        return to_quark(self.proto)

    def _check_modified(self) -> None:
        if self.not_modified:
            raise ValueError(f"the configuration is not modified: use the one whose digest is {self.digest}")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Config) and (self.response, self.stale) == (other.response, other.stale)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        stale = ", stale" if self.stale else ""
        return f"<Config {self.digest[:12]} of {self.catalog}, revision {self.revision}{stale}>"
