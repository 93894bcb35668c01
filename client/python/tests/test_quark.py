# SPDX-License-Identifier: Apache-2.0
"""Tests the drop-in and the conversions without amd-quark. See also test_quark_real.py."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import stand_in_quark
from conftest import ROOT, Server

import qconfig_client
from qconfig.v1 import quantization_pb2
from qconfig_client import _from_quark, _to_quark, errors, quark
from qconfig_client.quark import LLMTemplate

CATALOGS = {"quark-0.12.post1": "0.12.post1", "quark-0.13": "0.13"}


def stand_in(name: str, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installs stand-ins for the Quark release of the catalogue."""
    with qconfig_client.connect(server.address) as client:
        observers = next(entry.observers for entry in client.list_catalogs().catalogs if entry.name == name)
    for module_name, module in stand_in_quark.modules(list(observers)).items():
        monkeypatch.setitem(sys.modules, module_name, module)
    monkeypatch.setattr(_to_quark, "installed_release", lambda: CATALOGS[name])


@pytest.fixture(params=CATALOGS)
def catalog(request: pytest.FixtureRequest, server: Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a catalogue. Installs stand-ins for its Quark release."""
    stand_in(request.param, server, monkeypatch)
    name: str = request.param
    return name


@pytest.fixture
def served(client: qconfig_client.Client, server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Configures the drop-in for quark-0.12.post1 and a separate tenant, with stand-ins for that release."""
    stand_in("quark-0.12.post1", server, monkeypatch)
    monkeypatch.setenv("QCONFIG_SERVER", server.address)
    monkeypatch.setenv("QCONFIG_TENANT", client._options.tenant)
    monkeypatch.setenv("QCONFIG_CATALOG", "quark-0.12.post1")
    quark.configure()
    yield
    quark.client().close()
    quark._clients.clear()


@pytest.fixture
def unconfigured(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Resets the drop-in to no client, without amd-quark."""
    quark._clients.clear()
    monkeypatch.setenv("QCONFIG_SERVER", server.address)
    monkeypatch.delenv("QCONFIG_CATALOG", raising=False)
    monkeypatch.setattr(_to_quark, "installed_release", lambda: None)
    yield
    quark.client().close()
    quark._clients.clear()


def layer_config(**fields: Any) -> Any:
    """The stand-in for Quark's QLayerConfig."""
    config = importlib.import_module("quark.torch.quantization.config.config")
    return config.QLayerConfig(**fields)


def int8() -> Any:
    message = quantization_pb2.QTensorConfig(
        dtype=quantization_pb2.DTYPE_INT8,
        is_dynamic=False,
        qscheme=quantization_pb2.Q_SCHEME_TYPE_PER_TENSOR,
        symmetric=True,
        round_method=quantization_pb2.ROUND_TYPE_HALF_EVEN,
        scale_type=quantization_pb2.SCALE_TYPE_FLOAT,
        observer_cls="PerTensorMinMaxObserver",
        max_input_numel=4194304,
    )
    return _to_quark.tensor_config_to_quark(message)


def test_neither_quark_nor_torch_is_imported() -> None:
    code = "import sys, qconfig_client.quark; print([m for m in ('quark', 'torch') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_quark_is_not_installed(client: qconfig_client.Client, served: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: None)
    with pytest.raises(ImportError, match=r"amd-quark is not installed: pip install amd-quark==0\.12\.post1 torch"):
        client.get_config("llama", scheme="fp8").to_quark()
    template = LLMTemplate.get("llama")
    with pytest.raises(ImportError, match="not installed"):
        template.get_config("fp8")
    with pytest.raises(ImportError, match="not installed"):
        _ = template.algo_config


def test_another_quark_release_is_installed(client: qconfig_client.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: "0.13")
    config = client.get_config("llama", scheme="fp8", catalog="quark-0.12.post1")
    with pytest.raises(ImportError, match=r"requires amd-quark 0\.12\.post1, but amd-quark 0\.13 is installed: use"):
        config.to_quark()


def test_fields_of_a_configuration(client: qconfig_client.Client, catalog: str) -> None:
    config = client.get_config(
        "llama",
        scheme="nvfp4",
        algorithm="smoothquant",
        kv_cache_scheme="fp8",
        min_kv_scale=0.5,
        attention_scheme="fp8",
        layer_config={"*b*": "mx6", "*a*": "fp8"},
        layer_type_config={"Conv2d": "int8"},
        exclude_layers=["*gate", "lm_head.*"],
        catalog=catalog,
    ).to_quark()
    assert list(config.layer_quant_config) == ["*b*", "*a*", "*k_proj", "*v_proj", "*q_proj"]
    assert list(config.kv_cache_quant_config) == ["*k_proj", "*v_proj"]
    assert [layer_type.__name__ for layer_type in config.layer_type_quant_config] == ["Conv2d"]
    assert config.layer_quant_config["*b*"].weight.observer_cls is None
    first, second = config.global_quant_config.weight
    assert (first.dtype.name, first.group_size, first.block_size, first.is_scale_quant) == ("fp4", 16, None, False)
    assert (second.dtype.name, second.qscheme.name, second.is_scale_quant) == ("fp8_e4m3", "per_tensor", True)
    assert second.observer_cls.__name__ == "PerTensorMinMaxObserver"
    assert second.zero_point_type.name == "int32"
    assert config.softmax_quant_spec.scale_type is None
    assert config.kv_cache_group == ["*k_proj", "*v_proj"]
    assert config.min_kv_scale == 0.5
    assert config.shared_scale_groups == [["q_proj", "k_proj", "v_proj"], ["gate_proj", "up_proj"]]
    assert config.sync_moe_expert_input_amax is True
    assert config.keep_prequantized_layers is True
    expanded = ["*gate.*", "*gate", "lm_head.*"]
    assert config.exclude == (expanded if catalog == "quark-0.12.post1" else ["*gate", "lm_head.*"])
    assert [algorithm.name for algorithm in config.algo_config] == ["smooth"]
    assert config.version == CATALOGS[catalog]


def test_every_scheme_survives_a_round_trip(client: qconfig_client.Client, catalog: str) -> None:
    for scheme in client.all_schemes(catalog=catalog, view=2):
        assert _from_quark.layer_config(_to_quark.layer_config_to_quark(scheme.config)) == scheme.config, scheme.name


def test_every_algorithm_survives_a_round_trip(client: qconfig_client.Client, catalog: str) -> None:
    known = set()
    for template in client.all_templates(catalog=catalog, view=2):
        for entry in template.algorithm_configs:
            known.add(entry.algorithm)
            converted = _to_quark.algo_config_to_quark(entry.config)
            assert qconfig_client.algo_config(entry.algorithm, converted) == entry.config, template.model_type
        converters = _to_quark.weight_converters_to_quark(template.f2f_weight_converters) or []
        assert list(_from_quark.weight_converters(converters)) == list(template.f2f_weight_converters)
    assert {"awq", "gptq", "rotation", "smoothquant"} <= known


def test_none_and_empty_survive_a_round_trip(client: qconfig_client.Client, catalog: str) -> None:
    layers = [{"prev_op": "a", "layers": ["b"], "inp": "b", "module2inspect": "", "has_kwargs": False}]
    cases: list[tuple[str, dict[str, Any]]] = [
        ("autosmoothquant", {"scaling_layers": None, "model_decoder_layers": None}),
        ("autosmoothquant", {"scaling_layers": [], "model_decoder_layers": "", "compute_scale_loss": None}),
        ("awq", {"scaling_layers": layers}),
        ("rotation", {"scaling_layers": {"first_layer": [{"target_modules": ["a"]}]}, "online_r1_rotation": True}),
        ("rotation", {"scaling_layers": {"last_layer": [{"norm_module": "n"}]}, "trainable": True}),
    ]
    for name, fields in cases:
        config = (
            client.get_config("llama", "fp8", name, algo_configs={name: fields}, catalog=catalog)
            .to_quark()
            .algo_config[0]
        )
        for field_name, value in fields.items():
            assert getattr(config, field_name) == value
        if fields.get("online_r1_rotation"):
            assert config.online_config.shared_parallel is False
            assert config.online_config.online_rotation_layers is None
        if fields.get("trainable"):
            assert config.smooth_positions == []


def test_block_sizes_and_missing_zero_points_survive_a_round_trip(catalog: str) -> None:
    weight = dataclasses.replace(int8(), block_size=(128, 64), zero_point_type=None)
    message = _from_quark.layer_config(layer_config(weight=weight))
    assert _to_quark.layer_config_to_quark(message).weight == weight
    assert _to_quark.layer_config_to_quark(message).bias is None


def test_unsupported_values_are_rejected(catalog: str) -> None:
    tensor = int8()
    tensor.qat_spec = object()
    with pytest.raises(ValueError, match="qat_spec"):
        _from_quark.tensor_config(tensor)
    with pytest.raises(ValueError, match=r"unknown Dtype 'complex'; known values: int8, "):
        _from_quark.enum_number(quantization_pb2.Dtype.DESCRIPTOR, "complex")
    message = quantization_pb2.QTensorConfig(dtype=quantization_pb2.DTYPE_INT8, observer_cls="OfTomorrow")
    with pytest.raises(ValueError, match="no observer OfTomorrow"):
        _to_quark.tensor_config_to_quark(message)


def test_lists(served: None) -> None:
    assert LLMTemplate.list_available()[:2] == ["chatglm", "cohere"]
    assert len(LLMTemplate.list_available()) == 41
    assert LLMTemplate.get_supported_schemes()[:2] == ["int4_wo_32", "int4_wo_64"]
    assert len(LLMTemplate.get_supported_schemes()) == 27


def test_a_template(served: None) -> None:
    template = LLMTemplate.get("llama")
    assert template.model_type == "llama"
    assert template.kv_layers_name == ["*k_proj", "*v_proj"]
    assert template.q_layer_name == "*q_proj"
    assert template.gate_up_layers_name == ["gate_proj", "up_proj"]
    assert template.exclude_layers_name == ["lm_head"]
    assert template.algo_config["awq"].model_decoder_layers == "model.layers"
    assert template.algo_config["qronos"] is None or template.algo_config["qronos"].name == "qronos"
    assert template.f2f_weight_converters is None
    assert template.get_config("fp8").version == "0.12.post1"
    assert LLMTemplate.get("deepseek_v2").q_layer_name == ["*q_a_proj", "*q_b_proj"]
    assert LLMTemplate.get("qwen3_5_moe").f2f_weight_converters[0].operations[0].split_axis == 0


def test_errors_have_quarks_types(served: None) -> None:
    with pytest.raises(ValueError, match="TEMPLATE_NOT_FOUND"):
        LLMTemplate.get("lama")
    template = LLMTemplate.get("llama")
    with pytest.raises(ValueError, match="SCHEME_NOT_FOUND"):
        template.get_config("fp9")
    with pytest.raises(ValueError, match="UNSUPPORTED_ALGORITHM"):
        template.get_config("fp8", algorithm="none")
    with pytest.raises(ValueError, match="UNSUPPORTED_KV_CACHE_SCHEME"):
        template.get_config("fp8", kv_cache_scheme="int8")
    with pytest.raises(NotImplementedError):
        LLMTemplate.get("cohere").get_config("fp8", algorithm="awq")
    with pytest.raises(KeyError) as caught:
        template.get_config("fp8", layer_config={"*": "fp9"})
    assert isinstance(caught.value, errors.SchemeNotFound)
    assert caught.value.field == "spec.layer_config[0].scheme"
    with pytest.raises(ValueError, match="BUILTIN_READ_ONLY"):
        LLMTemplate.unregister_scheme("fp8")
    with pytest.raises(ValueError, match="SCHEME_NOT_FOUND"):
        LLMTemplate.unregister_scheme("mine")


def test_registered_schemes(served: None) -> None:
    LLMTemplate.register_scheme("mine", layer_config(weight=int8()))
    assert LLMTemplate.get_supported_schemes()[-1] == "mine"
    with pytest.raises(ValueError, match="SCHEME_EXISTS"):
        LLMTemplate.register_scheme("mine", layer_config(weight=int8()))
    with pytest.raises(ValueError, match="SCHEME_EXISTS"):
        LLMTemplate.register_scheme("fp8", layer_config(weight=int8()))
    quark.configure()  # acts like another process of the same tenant
    LLMTemplate.register_scheme("mine", layer_config(weight=int8()))
    quark.configure()
    with pytest.raises(ValueError, match="SCHEME_EXISTS"):
        LLMTemplate.register_scheme("mine", layer_config(bias=int8()))
    LLMTemplate.unregister_scheme("mine")
    assert "mine" not in LLMTemplate.get_supported_schemes()
    LLMTemplate.register_scheme("mine", layer_config(bias=int8()))
    LLMTemplate.unregister_scheme("mine")


def test_registered_templates(served: None, caplog: pytest.LogCaptureFixture) -> None:
    template = LLMTemplate(model_type="own", kv_layers_name=["*kv"], exclude_layers_name=["head"])
    with pytest.raises(ValueError, match=r"own is not registered: call LLMTemplate\.register_template"):
        template.get_config("fp8")
    LLMTemplate.register_template(template)
    assert not caplog.messages
    assert LLMTemplate.list_available()[-1] == "own"
    assert template.get_config("fp8").kv_cache_group == ["*kv"]
    template.exclude_layers_name.append("*gate")
    with pytest.raises(ValueError, match=r"own was modified: call LLMTemplate\.register_template"):
        template.get_config("fp8")
    template.algo_config["awq"] = LLMTemplate.get("llama").algo_config["awq"]
    LLMTemplate.register_template(template)
    assert caplog.messages == ["replaced the existing template own"]
    LLMTemplate.register_template(LLMTemplate("llama"))
    assert caplog.messages[-1].startswith('llm_template.model_type: "llama" hides the template of the same model type')
    revision = quark.client().list_schemes().revision
    LLMTemplate.register_template(LLMTemplate.get("own"))
    assert quark.client().list_schemes().revision == revision
    assert LLMTemplate.get("own").get_config("fp8", algorithm="AWQ").exclude == ["head.*", "head", "*gate.*", "*gate"]
    none = {"autosmoothquant": {"compute_scale_loss": None}}
    LLMTemplate.register_template(LLMTemplate("none", algorithm_configs=none))
    read = LLMTemplate.get("none")
    assert read.algo_config["autosmoothquant"].compute_scale_loss is None
    assert read.get_config("fp8", "autosmoothquant").algo_config[0].compute_scale_loss is None
    read.algo_config["autosmoothquant"].compute_scale_loss = "MAE"
    with pytest.raises(ValueError, match="none was modified"):
        read.get_config("fp8")
    bare = LLMTemplate("bare")
    LLMTemplate.register_template(bare)
    assert bare.get_config("fp8", kv_cache_scheme="fp8").kv_cache_group is None
    with pytest.raises(ValueError, match="unexpected argument foo of LLMTemplate"):
        LLMTemplate("own", foo=1)
    with pytest.raises(ValueError, match="unknown algorithm 'foo'"):
        LLMTemplate.register_template(LLMTemplate("own", foo_config={}))


def test_configurations_of_other_algorithms_are_ignored(served: None) -> None:
    config = LLMTemplate.get("llama").get_config("fp8", algorithm="awq", algo_configs={"svdquant": object()})
    assert [algorithm.name for algorithm in config.algo_config or ()] == ["awq"]


def test_arguments_may_be_iterators(served: None) -> None:
    template = LLMTemplate.get("llama")
    arguments = {
        "algorithm": ["awq", "smoothquant"],
        "layer_config": [("*a", "mx6")],
        "exclude_layers": ["head"],
        "algo_configs": [("awq", {"model_decoder_layers": "mine"})],
    }
    config = template.get_config("fp8", **{name: iter(value) for name, value in arguments.items()})
    assert [algorithm.name for algorithm in config.algo_config or ()] == ["awq", "smooth"]
    assert config.algo_config[0].model_decoder_layers == "mine"
    assert config == template.get_config("fp8", **arguments)


def test_the_installed_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, metadata in (("empty", ""), ("local", "Name: amd-quark\nVersion: 0.13+rocm7\n")):
        folder = tmp_path / name / "amd_quark-0.13.dist-info"
        folder.mkdir(parents=True)
        (folder / "METADATA").write_text(metadata)
    monkeypatch.syspath_prepend(str(tmp_path / "empty"))
    assert _to_quark.installed_release() is None
    monkeypatch.syspath_prepend(str(tmp_path / "local"))
    assert _to_quark.installed_release() == "0.13"


def test_installed_release_selects_the_catalogue(unconfigured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: "0.13")
    assert "mx9" in LLMTemplate.get_supported_schemes()
    for named, has_mx9 in (("quark-0.12.post1", False), ("", True)):
        monkeypatch.setenv("QCONFIG_CATALOG", named)
        quark.configure()
        assert ("mx9" in LLMTemplate.get_supported_schemes()) == has_mx9
    quark.configure(catalog="")
    assert "mx9" not in LLMTemplate.get_supported_schemes()


def test_to_quark_without_a_catalogue(
    client: qconfig_client.Client, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in("quark-0.13", server, monkeypatch)
    with qconfig_client.connect(server.address) as other:
        assert other.get_config("llama", "fp8").to_quark().version == "0.13"
    with pytest.raises(ImportError, match=r"requires amd-quark 0\.12\.post1, but amd-quark 0\.13"):
        client.get_config("llama", "fp8").to_quark()


def test_the_extra_matches_the_catalogues_and_the_hint(client: qconfig_client.Client) -> None:
    releases = [catalog.quark_release for catalog in client.list_catalogs().catalogs]
    pyproject = (ROOT / "client/python/pyproject.toml").read_text()
    [extra] = re.findall(r"^quark = \[\n(.*?)^\]", pyproject, re.MULTILINE | re.DOTALL)
    packages = re.findall(r'"(.*?)"', extra)
    assert packages[0] == f"amd-quark>={releases[0]},<={releases[-1]}"
    assert [re.match(r"[\w-]+", package)[0] for package in packages[1:]] == list(_to_quark._NEEDED_BY_QUARK)


def test_concurrent_first_calls(unconfigured: None, monkeypatch: pytest.MonkeyPatch) -> None:
    delays = itertools.count(1)
    monkeypatch.setattr(_to_quark, "installed_release", lambda: time.sleep(0.01 * next(delays)))
    barrier = threading.Barrier(8)

    def use(_: int) -> None:
        barrier.wait()
        for _ in range(30):
            LLMTemplate.get("llama")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(8)))
