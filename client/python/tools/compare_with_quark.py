# SPDX-License-Identifier: Apache-2.0
"""Sends the same requests to a qconfig server and the installed amd-quark, and compares the results field by field.

    python tools/compare_with_quark.py --server localhost:50051 --requests 1500

Requires an amd-quark release for which the server has a catalogue. Registers schemes and templates for a new tenant,
whose name it prints. Exit codes: 0 all results are equal, 1 a result differs, 2 the server failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import enum
import itertools
import logging
import random
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any, Optional

import torch
from quark.torch import LLMTemplate as QuarkTemplate
from quark.torch.quantization.config import config as quark

import qconfig_client.quark as served
from qconfig_client import QConfigError
from qconfig_client.quark import LLMTemplate as ServedTemplate

MAX_REQUESTS = 100_000
MAX_DIFFERENCES = 20  # that are printed

Request = tuple[str, dict[str, Any]]


def differences(expected: Any, actual: Any, path: str = "") -> Iterator[str]:
    """Yields the differences of two objects in type, value and order."""
    if type(expected) is not type(actual):
        yield f"{path}: {type(expected).__name__} {expected!r}, served {type(actual).__name__} {actual!r}"
    elif isinstance(expected, (type, enum.Enum)):
        if expected is not actual:
            yield f"{path}: {expected!r}, served {actual!r}"
    elif dataclasses.is_dataclass(expected):
        names = sorted(set(vars(expected)) | set(vars(actual)))  # also attributes that are not fields
        for name in names:
            missing = object()
            yield from differences(getattr(expected, name, missing), getattr(actual, name, missing), f"{path}.{name}")
    elif isinstance(expected, dict):
        if list(expected) != list(actual):
            yield f"{path}: keys {list(expected)}, served {list(actual)}"
        else:
            for key in expected:
                yield from differences(expected[key], actual[key], f"{path}[{key!r}]")
    elif isinstance(expected, (list, tuple)):
        if len(expected) != len(actual):
            yield f"{path}: {len(expected)} items, served {len(actual)}"
        for index, (one, other) in enumerate(zip(expected, actual)):
            yield from differences(one, other, f"{path}[{index}]")
    elif expected != actual:
        yield f"{path}: {expected!r}, served {actual!r}"


def own_schemes() -> dict[str, Any]:
    """Schemes with features that no built-in scheme has: two stages, block sizes, a bias, a device."""
    from quark.torch.quantization.config.type import DeviceType

    int8 = quark.Int8PerTensorSpec(
        observer_method="min_max", symmetric=True, scale_type="float", round_method="half_even", is_dynamic=False
    )
    fp8 = quark.FP8E4M3PerTensorSpec(observer_method="min_max", is_dynamic=False)
    fp4 = quark.FP4PerGroupSpec(ch_axis=-1, group_size=32, is_dynamic=True, scale_type="float32")
    int4 = quark.Int4PerChannelSpec(
        symmetric=False, scale_type="float", round_method="half_even", ch_axis=0, is_dynamic=False
    )
    return {
        "own_int8_weight": quark.QLayerConfig(weight=int8.to_quantization_spec()),
        "own_histogram": quark.QLayerConfig(
            weight=quark.Uint8PerTensorSpec(
                observer_method="percentile",
                symmetric=False,
                scale_type="power_of_2",
                round_method="round",
                is_dynamic=False,
            ).to_quantization_spec(),
            bias=int8.to_quantization_spec(),
            target_device=DeviceType.IPU,
        ),
        "own_progressive": quark.QLayerConfig(
            weight=quark.ProgressiveSpec(first_stage=fp8, second_stage=int4).to_quantization_spec(),
            output_tensors=fp8.to_quantization_spec(),
            target_device=DeviceType.CPU,
        ),
        "own_scale_quant": quark.QLayerConfig(
            input_tensors=quark.ScaleQuantSpec(first_stage=fp4, second_stage=fp8).to_quantization_spec()
        ),
        "own_zero_point": quark.QLayerConfig(
            weight=dataclasses.replace(
                quark.Uint4PerGroupSpec(
                    symmetric=False,
                    scale_type="float",
                    round_method="half_even",
                    ch_axis=-1,
                    is_dynamic=False,
                    group_size=64,
                ).to_quantization_spec(),
                zero_point_type=quark.ZeroPointType.float32,
                max_input_numel=1000,
                enable_buffer_reuse=True,
            )
        ),
        "own_block": quark.QLayerConfig(
            weight=quark.QTensorConfig(
                dtype=quark.Dtype.fp8_e4m3,
                observer_cls=quark.OBSERVER_MAP["PerBlock2DMinMaxObserver"],
                is_dynamic=False,
                qscheme=quark.QSchemeType.per_block,
                block_size=(128, 64),
                symmetric=True,
                zero_point_type=None,
            )
        ),
        "own_bfloat16": quark.QLayerConfig(weight=quark.Bfloat16Spec().to_quantization_spec()),
    }


def own_algorithms(choose: random.Random) -> dict[str, Any]:
    """A configuration for each algorithm, with values that are not the defaults."""
    layers = [
        {"prev_op": "norm", "layers": ["attn.q", "attn.k"], "inp": "attn.q", "module2inspect": "attn"},
        {"prev_op": "attn.v", "layers": ["attn.o"], "inp": "attn.o", "module2inspect": "", "has_kwargs": True},
    ]
    rotated = {
        "first_layer": [{"prev_modules": ["embed"], "norm_module": "norm", "next_modules": ["q", "k"]}],
        "last_layer": [{"target_modules": ["layers.layer_id.mlp.up"]}],
    }
    result = {
        "awq": quark.AWQConfig(scaling_layers=choose.choice([[], layers]), model_decoder_layers="transformer.h"),
        "gptq": quark.GPTQConfig(
            block_size=64, damp_percent=0.1, desc_act=False, static_groups=False, inside_layer_modules=["fc1"]
        ),
        "gptaq": quark.GPTAQConfig(alpha=1 / 3, model_decoder_layers="h"),
        "qronos": quark.QronosConfig(["fc1", "fc2"], "h", block_size=7, alpha=1e-6, beta=1e5),
        "smoothquant": quark.SmoothQuantConfig(alpha=choose.choice([1, 0.5]), scaling_layers=layers),
        "autosmoothquant": quark.AutoSmoothQuantConfig(
            scaling_layers=choose.choice([None, [], layers]),
            model_decoder_layers=choose.choice([None, "", "model.layers"]),
            compute_scale_loss=choose.choice([None, "MSE", "MAE"]),
        ),
        "rotation": choose.choice(
            [
                quark.RotationConfig(scaling_layers=rotated, r2=True, random_r2=True),
                quark.RotationConfig(scaling_layers=rotated, online_r1_rotation=True, rotation_size=32),
                quark.RotationConfig(
                    scaling_layers=rotated,
                    r1=False,
                    r4=True,
                    online_config=quark.OnlineRotationConfig(shared_parallel=True, online_rotation_layers=["*down*"]),
                ),
                quark.RotationConfig(
                    scaling_layers=rotated, trainable=True, train_smooth=True, smooth_positions=["a", "b"]
                ),
                quark.RotationConfig(scaling_layers=rotated, trainable=True),
            ]
        ),
    }
    if hasattr(quark, "AutoRoundConfig"):
        from quark.experimental.torch.twobitscalar.config import TwoBitScalarConfig

        result["autoround"] = quark.AutoRoundConfig(iters=10, lr=0.25, inside_layer_modules=["fc1"])
        result["twobitscalar"] = TwoBitScalarConfig(
            include_layers=choose.choice([None, [], ["*mlp*"]]), calib_batches=choose.choice([None, 3])
        )
    return result


def register_own(seed: int) -> None:
    """Registers the same schemes and templates in Quark and on the server."""
    for name, config in own_schemes().items():
        QuarkTemplate.register_scheme(name, config)
        ServedTemplate.register_scheme(name, config)
    for template in (QuarkTemplate, ServedTemplate):
        template.register_template(template(model_type="own_bare"))
        template.register_template(
            template(
                model_type="own_full",
                kv_layers_name=["*kv*"],
                q_layer_name="*q",
                gate_up_layers_name=["w1", "w3"],
                exclude_layers_name=["head", "*.gate.*"],
                algorithm_configs=own_algorithms(random.Random(seed)),
            )
        )


def requests(count: int, seed: int) -> Iterator[Request]:
    """Yields requests for each pair of a model type and a scheme, with random options."""
    choose = random.Random(seed)
    schemes = QuarkTemplate.get_supported_schemes()
    model_types = QuarkTemplate.list_available()
    pairs = list(itertools.product(model_types, schemes))
    choose.shuffle(pairs)
    patterns = ["*", "*mlp*", "*q_proj", "*k_proj", "*self_attn*", "model.layers.[0-3].*", "*.v_proj", "lm_head", "a?b"]
    types = [torch.nn.Linear, torch.nn.Conv2d, torch.nn.ConvTranspose2d]

    def some(values: list[Any]) -> list[Any]:
        return choose.sample(values, choose.randint(0, min(3, len(values))))

    for model_type, scheme in itertools.islice(itertools.cycle(pairs), count):
        configured = {name for name, config in QuarkTemplate.get(model_type).algo_config.items() if config is not None}
        own = own_algorithms(choose)
        known = sorted(QuarkTemplate.get(model_type).algo_config)
        wrong = choose.random() < 0.05
        algorithms = known if wrong else sorted(configured)
        options: dict[str, Any] = {
            "algorithm": choose.choice(
                [None, "", [], *algorithms, *(name.upper() for name in algorithms), some(algorithms)]
            ),
            "kv_cache_scheme": "int8" if wrong else choose.choice([None, "", "fp8", "fp8"]),
            "min_kv_scale": choose.choice([0.0, 1e-3, 0.1, 1 / 3]),
            "attention_scheme": choose.choice([None, "", "fp8", "fp8"]),
            "layer_config": choose.choice(
                [None, {}, {pattern: "none" if wrong else choose.choice(schemes) for pattern in some(patterns)}]
            ),
            "layer_type_config": choose.choice([None, {}, {kind: choose.choice(schemes) for kind in some(types)}]),
            "exclude_layers": choose.choice([None, [], some([*patterns, "lm_head.*", "*.gate", ""])]),
            "algo_configs": choose.choice([None, {}, own, {name.upper(): config for name, config in own.items()}]),
            "shared_scale_groups": choose.choice([None, [], [["q", "k"]], [[], ["gate_proj", "up_proj"], ["q_proj"]]]),
        }
        named = choose.sample(sorted(options), choose.randint(0, len(options)))
        if options["algo_configs"] and choose.random() < 0.5:
            options["algorithm"] = some(known)
            named = sorted({*named, "algorithm", "algo_configs"})
        yield model_type, {"scheme": scheme, **{name: options[name] for name in named}}


def compare_templates() -> Iterator[str]:
    """Compares the lists and the templates."""
    yield from differences(QuarkTemplate.list_available(), ServedTemplate.list_available(), "list_available()")
    schemes = QuarkTemplate.get_supported_schemes()
    yield from differences(schemes, ServedTemplate.get_supported_schemes(), "get_supported_schemes()")
    for model_type in QuarkTemplate.list_available():
        expected, actual = QuarkTemplate.get(model_type), ServedTemplate.get(model_type)
        for name in ("kv_layers_name", "gate_up_layers_name", "exclude_layers_name"):
            yield from differences(getattr(expected, name), getattr(actual, name), f"{model_type}.{name}")
        # Quark converts a single name to a list.
        first, second = (
            [name] if isinstance(name, str) else name for name in (expected.q_layer_name, actual.q_layer_name)
        )
        yield from differences(first, second, f"{model_type}.q_layer_name")
        for name, config in expected.algo_config.items():
            yield from differences(config, actual.algo_config[name], f"{model_type}.algo_config[{name}]")
        first, second = (
            [(c.source_patterns, c.target_patterns, [vars(o) for o in c.operations]) for c in converters or []]
            for converters in (expected.f2f_weight_converters, actual.f2f_weight_converters)
        )
        yield from differences(first, second, f"{model_type}.f2f_weight_converters")
        actual.get_config("fp8")  # must not fail: reading must not have modified it


def answer(template: Any, request: Request) -> tuple[Any, Optional[Exception]]:
    model_type, arguments = request
    try:
        return template.get(model_type).get_config(**arguments), None
    except (ValueError, KeyError, NotImplementedError) as error:
        return None, error


def compare(request: Request) -> tuple[list[str], bool]:
    """Returns the differences, and whether both failed."""
    expected, expected_error = answer(QuarkTemplate, request)
    actual, actual_error = answer(ServedTemplate, request)
    if expected_error is not None or actual_error is not None:
        if expected_error is None or not isinstance(actual_error, type(expected_error)):
            return [f": {expected_error!r}, served {actual_error!r}"], False
        return [], True
    found = list(differences(expected, actual))
    if not found and expected != actual:
        found = [": not equal as dataclasses"]
    return found, False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument(
        "--requests", type=int, default=1500, help="the default covers each pair of a model type and a scheme"
    )
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    count = min(arguments.requests, MAX_REQUESTS)
    logging.disable(logging.WARNING)  # Quark warns about every pattern that it expands

    tenant = f"compare-{uuid.uuid4()}"
    served.configure(arguments.server, tenant=tenant, catalog=f"quark-{served.installed_release()}")
    register_own(arguments.seed)
    found = list(compare_templates())
    print("\n".join([f"templates and lists: {len(found)} differences", *found[:MAX_DIFFERENCES]]))
    failed = bool(found)

    seen: Counter[str] = Counter()
    schemes, model_types = set(), set()
    equal = rejected = different = 0
    for request in requests(count, arguments.seed):
        found, is_rejected = compare(request)
        model_types.add(request[0])
        schemes.add(request[1]["scheme"])
        seen.update(name for name, value in request[1].items() if value is not None)
        if found:
            different += 1
            if different <= MAX_DIFFERENCES:
                print("\n  ".join([f"different: {request[0]} {request[1]}", *found[:5]]))
        elif is_rejected:
            rejected += 1
        else:
            equal += 1
    print(f"amd-quark {served.installed_release()}, seed {arguments.seed}, tenant {tenant}")
    print(f"{count} requests, {len(model_types)} model types, {len(schemes)} schemes; arguments:")
    print("  " + ", ".join(f"{name} {number}" for name, number in sorted(seen.items())))
    print(f"{equal} equal configurations, {rejected} rejected by both with the same error type, {different} different")
    return 1 if failed or different else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except QConfigError as error:
        print(f"cannot compare: {error}", file=sys.stderr)
        sys.exit(2)
