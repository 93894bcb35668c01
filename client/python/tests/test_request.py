# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Optional

import pytest

from qconfig.v1.algorithm_pb2 import AlgoConfig
from qconfig.v1.config_service_pb2 import GetConfigRequest
from qconfig.v1.config_spec_pb2 import ConfigSpec
from qconfig_client import algo_config, get_config_request


def spec(**arguments: Any) -> ConfigSpec:
    return get_config_request("llama", "fp8", **arguments).spec


NOTHING = ConfigSpec(model_type="llama", scheme="fp8")


def test_the_spec_has_quarks_arguments_and_the_request_the_others() -> None:
    made = get_config_request("llama", "fp8", tenant="acme", catalog="quark-0.13", revision=3, min_revision=2)
    request = GetConfigRequest(tenant="acme", catalog="quark-0.13", revision=3, min_revision=2, spec=NOTHING)
    request.include_quark_json = True
    assert made == request


@pytest.mark.parametrize("name", ["algorithm", "layer_config", "layer_type_config", "algo_configs"])
@pytest.mark.parametrize("value", [None, [], {}, ()])
def test_none_and_empty_are_the_same(name: str, value: Any) -> None:
    assert spec(**{name: value}) == NOTHING


@pytest.mark.parametrize("name", ["algorithm", "kv_cache_scheme", "attention_scheme"])
@pytest.mark.parametrize("value", [None, ""])
def test_none_and_the_empty_string_are_the_same(name: str, value: Any) -> None:
    assert spec(**{name: value}) == NOTHING


@pytest.mark.parametrize("name", ["exclude_layers", "shared_scale_groups"])
def test_none_and_empty_differ(name: str) -> None:
    assert spec(**{name: None}) == NOTHING
    assert not spec(**{name: None}).HasField(name)
    assert spec(**{name: []}).HasField(name)
    assert spec(**{name: ()}).HasField(name)


def test_positional_arguments_have_quarks_order() -> None:
    made = get_config_request(
        "llama", "fp8", ["awq"], "fp8", 0.5, "fp8", {"*a": "mx6"}, {"Linear": "mx9"}, ["b"], {"awq": {}}, [["c", "d"]]
    ).spec
    assert made.algorithm == ["awq"]
    assert (made.kv_cache_scheme, made.min_kv_scale, made.attention_scheme) == ("fp8", 0.5, "fp8")
    assert [(entry.pattern, entry.scheme) for entry in made.layer_config] == [("*a", "mx6")]
    assert [(entry.layer_type, entry.scheme) for entry in made.layer_type_config] == [("Linear", "mx9")]
    assert made.exclude_layers.patterns == ["b"]
    assert made.algo_configs[0].config.WhichOneof("config") == "awq"
    assert made.shared_scale_groups.groups[0].layer_suffixes == ["c", "d"]


def test_algorithm_may_be_one_name_or_a_list() -> None:
    assert spec(algorithm="awq").algorithm == ["awq"]
    assert spec(algorithm=("awq", "gptq")).algorithm == ["awq", "gptq"]


def test_overrides_keep_their_order_and_duplicates() -> None:
    made = spec(layer_config={"b": "1", "a": "2"})
    assert [entry.pattern for entry in made.layer_config] == ["b", "a"]
    made = spec(layer_config=[("b", "1"), ("b", "2")])
    assert [entry.pattern for entry in made.layer_config] == ["b", "b"]


def test_layer_types_are_classes_or_names() -> None:
    class Linear:
        pass

    with pytest.raises(
        ValueError, match=r"unsupported class test_request\..*Linear in layer_type_config: only classes of torch\.nn"
    ):
        spec(layer_type_config={Linear: "mx6"})
    Linear.__module__ = "torch.nn.modules.linear"
    made = spec(layer_type_config={Linear: "mx6", "Conv2d": "mx9"})
    assert [entry.layer_type for entry in made.layer_type_config] == ["Linear", "Conv2d"]


@pytest.mark.parametrize("name", ["layer_config", "layer_type_config", "algo_configs"])
@pytest.mark.parametrize("value", [["ab"], "ab", 3, [("a", "b", "c")]])
def test_overrides_must_be_a_dict_or_pairs(name: str, value: Any) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a dict or pairs, not "):
        spec(**{name: value})


@pytest.mark.parametrize("name", ["exclude_layers", "shared_scale_groups"])
def test_a_string_is_not_a_list_of_strings(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name} must be a list, not 'lm_head'"):
        spec(**{name: "lm_head"})
    with pytest.raises(TypeError, match="shared_scale_groups must be a list, not 'q_proj'"):
        spec(shared_scale_groups=["q_proj"])


def test_algorithm_configuration_as_a_message() -> None:
    message = AlgoConfig()
    message.gptq.block_size = 64
    assert algo_config("gptq", message) is message


def test_algorithm_configuration_as_a_dict() -> None:
    layer = {"prev_op": "a", "layers": ["b"], "inp": "c", "module2inspect": ""}
    config = algo_config("AWQ", {"name": "awq", "scaling_layers": [layer], "model_decoder_layers": "model.layers"}).awq
    assert config.scaling_layers[0].layers == ["b"]
    assert config.scaling_layers[0].HasField("module2inspect")
    assert not config.scaling_layers[0].HasField("has_kwargs")
    assert algo_config("smoothquant", {"name": "smooth", "alpha": 1}).smoothquant.alpha == 1.0
    assert not algo_config("gptq", {"block_size": None}).gptq.HasField("block_size")
    assert algo_config("gptq", {}).WhichOneof("config") == "gptq"


def test_rotation_as_a_dict() -> None:
    scaling_layers = {
        "middle_layers": [{"prev_modules": ["a"], "norm_module": "n", "next_modules": ["b", "c"]}],
        "first_layer": [],
    }
    online = {"shared_parallel": False, "online_rotation_layers": []}
    config = algo_config("rotation", {"scaling_layers": scaling_layers, "online_config": online}).rotation
    assert [entry.position for entry in config.scaling_layers] == ["middle_layers", "first_layer"]
    assert config.scaling_layers[0].layers[0].next_modules == ["b", "c"]
    assert config.online_config.HasField("shared_parallel")
    assert config.online_config.HasField("online_rotation_layers")
    assert not config.HasField("smooth_positions")


def test_autosmoothquant_distinguishes_none_from_the_default() -> None:
    config = algo_config("autosmoothquant", {"compute_scale_loss": None, "scaling_layers": None}).autosmoothquant
    assert config.compute_scale_loss_none
    assert not config.HasField("scaling_layers")
    config = algo_config("autosmoothquant", {"scaling_layers": []}).autosmoothquant
    assert not config.compute_scale_loss_none
    assert config.HasField("scaling_layers")


def test_algorithm_configuration_as_a_quark_object() -> None:
    @dataclass
    class SmoothQuantConfig:
        name: str = "smooth"
        alpha: float = 0.5
        scaling_layers: list[dict[str, Any]] = field(default_factory=list)
        model_decoder_layers: Optional[str] = None

    config = algo_config("smoothquant", SmoothQuantConfig()).smoothquant
    assert config.alpha == 0.5
    assert not config.HasField("model_decoder_layers")


def test_invalid_algorithm_configurations() -> None:
    with pytest.raises(
        TypeError, match=r"awq has no field 'alpha'; its fields are scaling_layers, model_decoder_layers"
    ):
        algo_config("awq", {"alpha": 1})
    with pytest.raises(TypeError, match=r"awq\.scaling_layers\[0\] has no field 'x'"):
        algo_config("awq", {"scaling_layers": [{"x": 1}]})
    with pytest.raises(TypeError, match=r"gptq\.block_size: "):
        algo_config("gptq", {"block_size": "many"})
    with pytest.raises(ValueError, match=r"^awq\.model_decoder_layers: "):
        algo_config("awq", {"model_decoder_layers": "\ud800"})
    with pytest.raises(TypeError, match=r"^awq\.scaling_layers\[0\] must be a dict, not 'ab'"):
        algo_config("awq", {"scaling_layers": ["ab"]})
    with pytest.raises(TypeError, match=r"^awq\.scaling_layers must be a list, not 3"):
        algo_config("awq", {"scaling_layers": 3})
    with pytest.raises(TypeError, match=r"^rotation\.online_config must be a dict, not 'ab'"):
        algo_config("rotation", {"online_config": "ab"})
    with pytest.raises(TypeError, match=r"^rotation\.scaling_layers must be a dict or pairs, not \['ab'\]"):
        algo_config("rotation", {"scaling_layers": ["ab"]})
    with pytest.raises(ValueError, match="unknown algorithm 'awk'; known algorithms: awq, "):
        algo_config("awk", {})
    with pytest.raises(TypeError, match="must be a dict or an AlgoConfig, not int"):
        algo_config("awq", 3)
