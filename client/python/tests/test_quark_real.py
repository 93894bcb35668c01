# SPDX-License-Identifier: Apache-2.0
"""Compares the client with the real amd-quark. Importing Quark takes half a minute."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Server

pytestmark = pytest.mark.skipif(importlib.util.find_spec("quark") is None, reason="amd-quark is not installed")

TOOL = Path(__file__).parents[1] / "tools/compare_with_quark.py"
QUARKS_IMPORT = "from quark.torch import LLMTemplate"
OUR_IMPORT = "from qconfig_client.quark import LLMTemplate"
WORKER = f"""
import json
import torch
{QUARKS_IMPORT}
from quark.torch.quantization.config.config import Int8PerTensorSpec, QLayerConfig, SmoothQuantConfig

spec = Int8PerTensorSpec(
    observer_method="min_max", symmetric=True, scale_type="float", round_method="half_even", is_dynamic=False
).to_quantization_spec()
LLMTemplate.register_scheme("int8_wo", config=QLayerConfig(weight=spec))
LLMTemplate.register_template(LLMTemplate(model_type="mine", kv_layers_name=["*kv"], exclude_layers_name=["head"]))
configs = [
    LLMTemplate.get("llama").get_config(scheme="fp8", kv_cache_scheme="fp8"),
    LLMTemplate.get("llama").get_config("int8_wo", ["awq", "gptq"], layer_type_config={{torch.nn.Conv2d: "mx6"}}),
    LLMTemplate.get("mine").get_config("nvfp4", "smoothquant", algo_configs={{"smoothquant": SmoothQuantConfig()}}),
]
for model_type, scheme in (("lama", "fp8"), ("llama", "fp9")):
    try:
        LLMTemplate.get(model_type).get_config(scheme)
    except ValueError:
        print("rejected", model_type, scheme)
for config in configs:
    print(config)
    print(json.dumps(config.to_dict()))
print(LLMTemplate.list_available(), LLMTemplate.get_supported_schemes())
LLMTemplate.unregister_scheme("int8_wo")
print(LLMTemplate.get_supported_schemes())
"""


def run(*command: str, server: Server) -> str:
    environment = {**os.environ, "QCONFIG_SERVER": server.address, "QCONFIG_TENANT": "real"}
    result = subprocess.run(
        [sys.executable, *command], stdout=subprocess.PIPE, text=True, env=environment, timeout=600, check=True
    )
    # Quark also logs to standard output.
    return "\n".join(line for line in result.stdout.splitlines() if "QUARK-" not in line and line.strip("\x1b[0123m"))


def test_a_worker_works_with_one_changed_import(new_server: Server) -> None:
    expected = run("-c", WORKER, server=new_server)
    assert "rejected lama fp8" in expected
    assert run("-c", WORKER.replace(QUARKS_IMPORT, OUR_IMPORT), server=new_server) == expected


def test_compare_with_quark(new_server: Server) -> None:
    output = run(str(TOOL), "--server", new_server.address, "--requests", "400", "--seed", "2", server=new_server)
    assert output.splitlines()[-1].endswith(", 0 different")
