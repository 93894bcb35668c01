# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import hashlib
import json

import pytest
from conftest import ROOT
from google.protobuf import json_format

from qconfig.v1.config_service_pb2 import GetConfigResponse
from qconfig.v1.quantization_pb2 import QConfig
from qconfig_client import Client, canonical_json, config_digest, verify_digest

VECTORS = json.loads((ROOT / "tests/golden/digests.json").read_text())


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["name"])
def test_digests_match_the_server(vector: dict) -> None:
    config = json_format.ParseDict(vector["config"], QConfig())
    assert canonical_json(config) == vector["canonical_json"]
    assert config_digest(config) == vector["config_digest"]


def test_server_response(client: Client) -> None:
    response = client.get_config("llama", "mx6", min_kv_scale=1e-7, include_canonical_json=True).response
    assert verify_digest(response)
    assert canonical_json(response.config) == response.canonical_json
    assert config_digest(response.config) == response.config_digest


def test_verify_digest() -> None:
    text = '{"version":"é"}'
    response = GetConfigResponse(canonical_json=text, config_digest=hashlib.sha256(text.encode()).hexdigest())
    assert verify_digest(response)
    response.canonical_json += " "
    assert not verify_digest(response)
    with pytest.raises(ValueError, match="include_canonical_json"):
        verify_digest(GetConfigResponse(config=QConfig()))
