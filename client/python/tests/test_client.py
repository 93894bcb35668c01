# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest

import qconfig_client
from qconfig_client.errors import SchemeNotFound


def test_get_config(client: qconfig_client.Client) -> None:
    config = client.get_config("llama", scheme="fp8", kv_cache_scheme="fp8", layer_config={"*mlp*": "mxfp4"})
    assert config.catalog == "quark-0.12.post1"
    assert config.revision == 1
    assert not config.stale
    assert list(config.to_dict()["layer_quant_config"]) == ["*mlp*", "*k_proj", "*v_proj"]


def test_error(client: qconfig_client.Client) -> None:
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", scheme="int4_wo_12")
    assert caught.value.field == "scheme"
    assert caught.value.value == "int4_wo_12"
    assert caught.value.suggestion.startswith("int4_wo_128")
    assert "int4_wo_32" in caught.value.allowed
    assert isinstance(caught.value, ValueError)
