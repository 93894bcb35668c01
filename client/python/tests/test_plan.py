# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import itertools
import json
import pickle
import random
import re
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import Server

import qconfig_client
from qconfig.v1.plan_pb2 import (
    FINDING_CODE_PATTERN_MATCHES_NOTHING,
    FINDING_SEVERITY_WARNING,
    Module,
    PlanLayersRequest,
    PlanLayersResponse,
)
from qconfig_client import Client, Plan, _modules, errors

PROJECTIONS = [f"self_attn.{part}_proj" for part in "qkvo"] + [f"mlp.{part}_proj" for part in ("gate", "up", "down")]
LLAMA = [
    "model.embed_tokens",
    *(f"model.layers.{layer}.{part}" for layer in range(32) for part in PROJECTIONS),
    "lm_head",
]


# Classes with the interface of torch's. A plan uses their names.


class Linear:
    def __init__(self, inputs: int, outputs: int) -> None:
        self.weight = SimpleNamespace(shape=(outputs, inputs), dtype="torch.bfloat16")


class Embedding(Linear):
    pass


class RMSNorm:
    def __init__(self, size: int) -> None:
        self.weight = SimpleNamespace(shape=(size,), dtype="torch.bfloat16")


class LlamaModel:
    """A Llama with `layers` layers."""

    def __init__(self, layers: int, **modules: Any) -> None:
        self.config = SimpleNamespace(model_type="llama")
        self.modules: dict[str, Any] = {"": self, "model": self, "model.embed_tokens": Embedding(64, 256)}
        for layer in range(layers):
            self.modules[f"model.layers.{layer}"] = self
            self.modules[f"model.layers.{layer}.input_layernorm"] = RMSNorm(64)
            for projection in PROJECTIONS:
                self.modules[f"model.layers.{layer}.{projection}"] = Linear(64, 64)
        self.modules.update({"model.norm": RMSNorm(64), "lm_head": Linear(64, 256), **modules})

    def named_modules(self) -> Iterator[tuple[str, Any]]:
        yield from self.modules.items()


class MoeExperts:
    def __init__(self, experts: int, inputs: int, outputs: int) -> None:
        self.gate_up_proj = SimpleNamespace(shape=(experts, 2 * outputs, inputs), dtype="torch.float16")
        self.down_proj = SimpleNamespace(shape=(experts, inputs, outputs), dtype="torch.float16")


class GraniteExperts:
    def __init__(self, experts: int, outputs: int, inputs: int) -> None:
        self.weight = SimpleNamespace(shape=(experts, outputs, inputs), dtype="torch.float16")


class FP8Linear(Linear):
    pass


class PhiMlp:
    """Its `gate_up_proj` is a module, unlike that of fused experts."""

    def __init__(self) -> None:
        self.gate_up_proj = Linear(64, 256)


def modules_of(model: Any, model_type: str = "llama") -> list[tuple[str, str, tuple[int, ...], str]]:
    """The modules of a model, with ranges."""
    messages, _ = _modules.to_messages(_modules.list_modules(model, model_type))
    return [(module.name, module.type, tuple(module.shape), module.dtype) for module in messages]


def expanded(names: Iterable[str]) -> list[str]:
    """Expands ranges as the comments of plan.proto say."""
    result = []
    for name in names:
        texts = re.split(r"\{\d+\.\.\d+\}", name)
        ranges = [range(int(a), int(b) + 1) for a, b in re.findall(r"\{(\d+)\.\.(\d+)\}", name)]
        for numbers in itertools.product(*ranges):
            result.append(texts[0] + "".join(f"{number}{text}" for number, text in zip(numbers, texts[1:])))
    return result


def test_a_model_gives_names_types_and_shapes() -> None:
    assert modules_of(LlamaModel(4)) == [
        ("model.embed_tokens", "Embedding", (256, 64), "bfloat16"),
        *((f"model.layers.{{0..3}}.{part}", "Linear", (64, 64), "bfloat16") for part in PROJECTIONS),
        ("lm_head", "Linear", (256, 64), "bfloat16"),
    ]


def test_a_shared_weight_has_its_size_once() -> None:
    model = LlamaModel(0)
    model.modules["lm_head"].weight = model.modules["model.embed_tokens"].weight
    assert modules_of(model) == [
        ("model.embed_tokens", "Embedding", (256, 64), "bfloat16"),
        ("lm_head", "Linear", (), ""),
    ]


@pytest.mark.parametrize(
    ("model_type", "parts"),
    [
        ("qwen3_moe", [("gate_proj", (48, 64)), ("up_proj", (48, 64)), ("down_proj", (64, 48))]),
        ("llama4", [("gate_proj", (32, 96)), ("up_proj", (32, 96)), ("down_proj", (48, 64))]),
        ("gpt_oss", [("gate_up_proj", (64, 96)), ("down_proj", (48, 64))]),
    ],
)
def test_fused_experts_are_split(model_type: str, parts: list[tuple[str, tuple[int, ...]]]) -> None:
    layers = {f"model.layers.{layer}.mlp.experts": MoeExperts(8, 64, 48) for layer in (0, 1)}
    model = LlamaModel(0, **layers, mlp=PhiMlp())
    model.config.model_type = model_type
    assert modules_of(model, "another_template")[2:] == [
        (f"model.layers.{{0..1}}.mlp.experts.{{0..7}}.{part}", "Linear", shape, "float16") for part, shape in parts
    ]


def test_experts_say_whether_inputs_are_first() -> None:
    experts: Any = MoeExperts(8, 64, 48)
    experts.is_transposed = True
    shapes = [shape for _, _, shape, _ in modules_of(LlamaModel(0, **{"mlp.experts": experts}))[2:]]
    assert shapes == [(32, 96), (32, 96), (48, 64)]


def test_experts_without_gates_are_split() -> None:
    experts: Any = MoeExperts(8, 64, 48)
    experts.up_proj = experts.gate_up_proj
    del experts.gate_up_proj
    modules = modules_of(LlamaModel(0, **{"mlp.experts": experts, "mlp.shared_experts": experts}))[2:]
    assert modules == [
        ("mlp.experts.{0..7}.up_proj", "Linear", (96, 64), "float16"),
        ("mlp.experts.{0..7}.down_proj", "Linear", (64, 48), "float16"),
    ]


def test_fused_experts_of_granite_are_split() -> None:
    name = "model.layers.0.block_sparse_moe"
    parts = {f"{name}.input_linear": GraniteExperts(4, 40, 16), f"{name}.output_linear": GraniteExperts(4, 16, 20)}
    assert modules_of(LlamaModel(0, **parts))[2:] == [
        (f"{name}.experts.{{0..3}}.gate_proj", "Linear", (20, 16), "float16"),
        (f"{name}.experts.{{0..3}}.up_proj", "Linear", (20, 16), "float16"),
        (f"{name}.experts.{{0..3}}.down_proj", "Linear", (16, 20), "float16"),
    ]


def test_quantized_linear_layers_are_linear() -> None:
    assert modules_of(LlamaModel(0, q_proj=FP8Linear(64, 32)))[2:] == [("q_proj", "Linear", (32, 64), "bfloat16")]


def test_a_dict_has_types_shapes_and_dtypes() -> None:
    model = {
        "a.0": "Linear",
        "a.1": Linear,
        "a.2": ("Linear", None, None),
        "b.0": ("Conv2d", (8, 4, 3, 3), "F16"),
        "b.1": ("Conv2d", [8, 4, 3, 3], "F16"),
        "b.2": ("Conv2d", [8, 4, 1, 1], "F16"),
    }
    assert modules_of(model) == [
        ("a.{0..2}", "Linear", (), ""),
        ("b.{0..1}", "Conv2d", (8, 4, 3, 3), "F16"),
        ("b.2", "Conv2d", (8, 4, 1, 1), "F16"),
    ]


def test_names_are_linear_layers_and_embeddings() -> None:
    assert modules_of(iter(["model.embed_tokens", "transformer.wte", "lm_head"])) == [
        ("model.embed_tokens", "Embedding", (), ""),
        ("transformer.wte", "Embedding", (), ""),
        ("lm_head", "Linear", (), ""),
    ]


@pytest.mark.parametrize(
    ("names", "ranges"),
    [
        (["a.0", "a.1", "a.3"], ["a.{0..1}", "a.3"]),
        (["a.1", "a.10", "a.2"], ["a.{1..2}", "a.10"]),
        (["a.3.b.4", "a.3.b.5", "a.4.b.4", "a.4.b.5", "a.5.b.4"], ["a.{3..4}.b.{4..5}", "a.5.b.4"]),
        (["0", "1", "a1", "a2"], ["{0..1}", "a1", "a2"]),
        (["a.01", "a.02", "a.-1", "a.1"], ["a.01", "a.02", "a.-1", "a.1"]),
        (["a.1234567890", "a.1234567891", "a.٣", "a.٤"], ["a.1234567890", "a.1234567891", "a.٣", "a.٤"]),
        (["a{0..1", "a{0..2", "{0.1.}", "{0.2.}"], ["a{0..{1..2}", "{0.{1..2}.}"]),
        (["a.", "a..", "", "."], ["a.", "a..", "", "."]),
    ],
)
def test_consecutive_numbers_become_ranges(names: list[str], ranges: list[str]) -> None:
    messages, order = _modules.to_messages(dict.fromkeys(names, _modules.ModuleInfo("Linear")))
    assert [module.name for module in messages] == ranges
    assert order == expanded(ranges)
    assert sorted(order) == sorted(names)


def test_ranges_expand_to_the_same_modules() -> None:
    seed = random.randrange(1 << 32)
    generator = random.Random(seed)
    for _ in range(300):
        most = generator.choice([1, 2, 3, 7])
        names = [
            ".".join(
                generator.choice(["a", "b", str(generator.randint(0, most))]) for _ in range(generator.randint(1, 4))
            )
            for _ in range(generator.randint(1, 60))
        ]
        modules = {name: _modules.ModuleInfo(generator.choice(["Linear", "Conv2d"])) for name in names}
        messages, order = _modules.to_messages(modules)
        assert order == expanded(module.name for module in messages), seed
        assert sorted(order) == sorted(modules), seed
        types = [module.type for module in messages for _ in expanded([module.name])]
        assert types == [modules[name].type for name in order], seed


def test_a_large_model_is_a_short_request() -> None:
    names = [
        f"model.layers.{layer}.mlp.experts.{expert}.{part}"
        for layer in range(3, 61)
        for expert in range(256)
        for part in ("gate_proj", "up_proj", "down_proj")
    ]
    assert [name for name, *_ in modules_of(names)] == [
        f"model.layers.{{3..60}}.mlp.experts.{{0..255}}.{part}" for part in ("gate_proj", "up_proj", "down_proj")
    ]


def test_plan_of_a_model(client: Client) -> None:
    plan = client.plan(LlamaModel(4), scheme="fp8", layer_config={"*.1.mlp*": "mxfp4"}, exclude_layers=["*o_proj"])
    assert plan.request.spec.model_type == "llama"
    assert list(plan.layers)[:3] == [
        "model.embed_tokens",
        "model.layers.0.self_attn.q_proj",
        "model.layers.0.self_attn.k_proj",
    ]
    assert len(plan.layers) == 1 + 4 * 7 + 1
    assert plan.config_of("model.embed_tokens") is None
    assert plan.config_of("model.layers.3.self_attn.o_proj") is None
    for layer in range(4):
        config = plan.config_of(f"model.layers.{layer}.mlp.up_proj")
        assert config is not None
        assert (config.weight[0].group_size == 32) == (layer == 1)
    with pytest.raises(KeyError):
        plan.config_of("model.norm")
    assert plan.totals.modules == 30
    assert plan.totals.quantized == 25
    assert plan.totals.parameters == 2 * 256 * 64 + 28 * 64 * 64
    assert str(plan).startswith("llama fp8: 25 of 30 modules quantized, weights 294.91 kB -> ")
    assert repr(plan) == f"<Plan {plan}>"
    copy = pickle.loads(pickle.dumps(plan))
    assert (copy.request, copy.response, copy.layers) == (plan.request, plan.response, plan.layers)


def test_ranges_do_not_change_the_plan(client: Client) -> None:
    generator = random.Random(7)
    names = [f"model.layers.{layer}.{part}" for layer in range(40) for part in PROJECTIONS]
    names = generator.sample(names, 200)
    overrides = {"*.7.*": "int8", "*1?.mlp*": "mxfp4", names[3]: "int4_wo_128"}
    plan = client.plan(names, "llama", scheme="fp8", layer_config=overrides, exclude_layers=["*.3*.self_attn*"])
    assert list(plan.layers) == names
    plain = PlanLayersRequest(spec=plan.request.spec, modules=[Module(name=name, type="Linear") for name in names])
    response = client.plan_layers(plain)
    configs = [response.configs[index - 1] if index else None for index in response.config_of_module]
    assert len(plan.request.modules) < len(configs) == 200
    assert [plan.layers[name] for name in names] == configs
    assert plan.totals.quantized == response.totals.quantized


def test_arguments_are_those_of_get_config(client: Client) -> None:
    arguments: dict[str, Any] = {
        "algorithm": ["awq"],
        "kv_cache_scheme": "fp8",
        "min_kv_scale": 0.5,
        "attention_scheme": "fp8",
        "layer_config": {"*mlp*": "mxfp4"},
        "layer_type_config": {"Conv2d": "int8"},
        "exclude_layers": [],
        "algo_configs": {"awq": {}},
        "shared_scale_groups": [["q_proj", "k_proj"]],
    }
    plan = client.plan(LLAMA, "llama", scheme="fp8", runtimes="vllm", tensor_parallel_size=2, **arguments)
    assert plan.request.spec == qconfig_client.get_config_request("llama", "fp8", **arguments).spec
    assert plan.response.config_digest == client.get_config("llama", "fp8", **arguments).digest
    assert list(plan.request.runtimes) == ["vllm"]
    assert plan.request.tensor_parallel_size == 2
    assert client.plan(LLAMA, "llama", scheme="fp8", catalog="quark-0.13", revision=1).response.catalog == "quark-0.13"
    with pytest.raises(errors.RevisionInFuture):
        client.plan(LLAMA, "llama", scheme="fp8", revision=9)
    with pytest.raises(errors.QConfigError):  # it waits for the revision
        client.plan(LLAMA, "llama", scheme="fp8", min_revision=9, timeout=0.2)


def test_findings(client: Client) -> None:
    plan = client.plan(LLAMA, "llama", scheme="fp8", layer_config={"*experts*": "mxfp4"})
    [finding] = plan.findings
    assert finding.code == FINDING_CODE_PATTERN_MATCHES_NOTHING
    assert finding.severity == FINDING_SEVERITY_WARNING
    assert finding.field == "spec.layer_config[0].pattern"
    assert str(plan) == "llama fp8: 224 of 226 modules quantized, 1 finding"
    assert str(client.plan(LLAMA, "llama", scheme="fp8")) == "llama fp8: 224 of 226 modules quantized, no findings"


@pytest.mark.parametrize("fail_at", ["warning", "INFO", FINDING_SEVERITY_WARNING])
def test_fail_at_raises_the_findings(client: Client, fail_at: Any) -> None:
    with pytest.raises(errors.PlanHasFindings) as caught:
        client.plan(LLAMA, "llama", scheme="fp8", layer_config={"*experts*": "mxfp4"}, fail_at=fail_at)
    assert caught.value.finding_total == 1
    [finding] = caught.value.findings
    assert finding.code == FINDING_CODE_PATTERN_MATCHES_NOTHING
    assert pickle.loads(pickle.dumps(caught.value)).findings == [finding]
    assert client.plan(LLAMA, "llama", scheme="fp8", layer_config={"*experts*": "mxfp4"}, fail_at="error").findings


def test_asyncio(server: Server) -> None:
    async def check() -> None:
        async with qconfig_client.connect_aio(server.address, tenant="aio", catalog="quark-0.13") as client:
            plan = await client.plan(LlamaModel(1), scheme="mx9")
            assert plan.response.catalog == "quark-0.13"
            assert plan.totals.quantized == 7
            assert await client.plan_layers(plan.request) == plan.response
            with pytest.raises(errors.PlanHasFindings):
                await client.plan(LLAMA, "llama", scheme="fp8", layer_config={"*x*": "mxfp4"}, fail_at="warning")

    asyncio.run(check())


def test_plan_layers_fills_in_tenant_and_catalogue(server: Server) -> None:
    request = PlanLayersRequest(modules=[Module(name="lm_head", type="Linear")])
    request.spec.model_type, request.spec.scheme = "llama", "mx9"
    before = PlanLayersRequest.FromString(request.SerializeToString())
    with qconfig_client.connect(server.address, tenant="planner", catalog="quark-0.13") as client:
        assert client.plan_layers(request).catalog == "quark-0.13"
        assert request == before
        request.catalog = "quark-0.12.post1"
        with pytest.raises(errors.SchemeNotFound):  # mx9 is new in 0.13
            client.plan_layers(request)


def test_html_has_the_plan(client: Client) -> None:
    names = ["</script><!--&", "model.layers.0.é"]
    plan = client.plan(names, "llama", scheme="fp8")
    page = plan.to_html()
    [text] = re.findall(r'<script type="application/json" id="plan">(.*?)</script>', page, re.S)
    assert not set("<>&") & set(text)
    content = json.loads(text)
    assert [module["name"] for module in content["request"]["modules"]] == names
    assert content["response"]["config_of_module"] == list(plan.response.config_of_module)
    assert "{{plan}}" not in page


@pytest.mark.parametrize(
    ("model", "error", "text"),
    [
        ("lm_head", TypeError, "must be a torch.nn.Module, a dict or a list of names, not 'lm_head'"),
        (7, TypeError, "not 7"),
        ([("lm_head", "Linear")], TypeError, r"names of modules must be strings, not \('lm_head', 'Linear'\)"),
        ({"lm_head": 7}, TypeError, r"model\['lm_head'\] must be a type or a tuple of type, shape and dtype, not 7"),
        ({"lm_head": ("Linear", (1, 2))}, TypeError, r"must be a type or a tuple of type, shape and dtype"),
        (["layers.{0..3}.q_proj"], ValueError, r"the name 'layers\.\{0\.\.3\}\.q_proj' has a range"),
    ],
)
def test_a_wrong_model(client: Client, model: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        client.plan(model, "llama", scheme="fp8")


def test_other_wrong_arguments(client: Client) -> None:
    with pytest.raises(TypeError, match="model_type is required"):
        client.plan(LLAMA, scheme="fp8")
    with pytest.raises(ValueError, match="unknown severity 'fatal': use info, warning or error"):
        client.plan(LLAMA, "llama", scheme="fp8", fail_at="fatal")
    with pytest.raises(errors.InvalidRequest, match="modules"):
        client.plan([], "llama", scheme="fp8")


def test_a_plan_of_other_modules_is_rejected() -> None:
    response = PlanLayersResponse(config_of_module=[0, 0])
    with pytest.raises(ValueError, match="expected 1 modules in the plan, got 2"):
        Plan(PlanLayersRequest(), response, ["lm_head"], ["lm_head"])


def test_plan_of_a_torch_model(client: Client) -> None:
    torch = pytest.importorskip("torch")

    def llama() -> Any:
        block = torch.nn.ModuleDict(
            {
                "mlp": torch.nn.ModuleDict(
                    {"up_proj": torch.nn.Linear(64, 256), "down_proj": torch.nn.Linear(256, 64)}
                ),
                "norm": torch.nn.LayerNorm(64),
            }
        )
        layers = torch.nn.ModuleList(
            [block, torch.nn.ModuleDict({"mlp": torch.nn.ModuleDict({"up_proj": torch.nn.Linear(64, 256)})})]
        )
        model = torch.nn.ModuleDict(
            {
                "embed_tokens": torch.nn.Embedding(100, 64),
                "layers": layers,
                "lm_head": torch.nn.Linear(64, 100, bias=False),
            }
        )
        model.lm_head.weight = model.embed_tokens.weight
        return model.to(torch.bfloat16)

    expected = [
        ("embed_tokens", "Embedding", (100, 64), "bfloat16"),
        ("layers.{0..1}.mlp.up_proj", "Linear", (256, 64), "bfloat16"),
        ("layers.0.mlp.down_proj", "Linear", (64, 256), "bfloat16"),
        ("lm_head", "Linear", (), ""),
    ]
    with torch.device("meta"):
        on_meta = llama()
    assert modules_of(llama()) == modules_of(on_meta) == expected
    plan = client.plan(on_meta, "llama", scheme="fp8", layer_type_config={torch.nn.Linear: "int8"})
    assert plan.totals.quantized == 3
    assert list(plan.layers) == [
        name for name, module in on_meta.named_modules() if hasattr(module, "weight") and name != "layers.0.norm"
    ]
