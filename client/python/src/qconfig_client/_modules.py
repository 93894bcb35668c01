# SPDX-License-Identifier: Apache-2.0
"""Lists the modules of a model for PlanLayers.

Uses only the names of attributes and classes, so it does not need torch.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from typing import Any, NamedTuple, Optional, Protocol, Union

from qconfig.v1.plan_pb2 import Module


class Model(Protocol):
    """What a plan needs of a torch.nn.Module."""

    def named_modules(self) -> Iterable[tuple[str, Any]]: ...


TypeShapeDtype = tuple[Union[str, type], Optional[Iterable[int]], Any]
Modules = Union[Model, Mapping[str, Union[str, type, TypeShapeDtype]], Iterable[str]]


class ModuleInfo(NamedTuple):
    type: str
    shape: tuple[int, ...] = ()  # of the weight; () if it is unknown
    dtype: str = ""


# The last components of the usual names of embeddings.
_EMBEDDINGS = {
    "embed",
    "embed_in",
    "embed_positions",
    "embed_tokens",
    "embed_tokens_per_layer",
    "pos_embed",
    "position_embedding",
    "position_embeddings",
    "relative_attention_bias",
    "shared",
    "tok_embeddings",
    "token_type_embeddings",
    "word_embedding",
    "word_embeddings",
    "wpe",
    "wte",
}

# Classes of Linear layers that are already quantized. Quark quantizes them again.
_QUANTIZED_LINEAR = ("FP8Linear",)


class _FusedExperts(NamedTuple):
    """A rule for the weight of all experts of a layer, which has three dimensions. Quark replaces it by modules."""

    suffix: str  # of the name of the weight
    modules: tuple[str, ...]  # the ends of the names of the modules; # is the number of the expert
    model_types: tuple[str, ...] = ()  # (): all
    inputs_first: bool = False  # the shape is experts x inputs x outputs, not experts x outputs x inputs


def _read_fused_experts() -> tuple[_FusedExperts, ...]:
    text = resources.files("qconfig_client").joinpath("module_types.json").read_text(encoding="utf-8")
    return tuple(
        _FusedExperts(
            rule["suffix"], tuple(rule["modules"]), tuple(rule.get("model_types", ())), rule.get("inputs_first", False)
        )
        for rule in json.loads(text)["fused_experts"]
    )


_FUSED_EXPERTS = _read_fused_experts()  # the first rule that applies to a weight is used

# A component of a name that is a number.
_NUMBER = re.compile(r"(?<![^.])(0|[1-9][0-9]{0,8})(?![^.])")
_RANGE = re.compile(r"\{[0-9]+\.\.[0-9]+\}")


def model_type_of(model: Modules) -> str:
    model_type = _config_model_type(model)
    if model_type is None:
        raise TypeError("model_type is required for a model without config.model_type")
    return model_type


def _config_model_type(model: Modules) -> Optional[str]:
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    return model_type if isinstance(model_type, str) else None


def list_modules(model: Modules, model_type: str) -> dict[str, ModuleInfo]:
    """The modules of the `model` that the caller of `Client.plan` passed, in its order."""
    if hasattr(model, "named_modules"):
        # The template that the caller passed may have another name than the type that decides about shapes.
        return dict(_modules_of(model, _config_model_type(model) or model_type))
    if isinstance(model, Mapping):
        return {name: _module_info(name, value) for name, value in model.items()}
    if isinstance(model, Iterable) and not isinstance(model, (str, bytes)):
        return {name: ModuleInfo(_usual_type(name)) for name in model}
    raise TypeError(f"model must be a torch.nn.Module, a dict or a list of names, not {model!r}")


def _modules_of(model: Any, model_type: str) -> Iterator[tuple[str, ModuleInfo]]:
    weights: dict[int, Any] = {}  # by id; keeps the weights, so that no id is used again
    for name, module in model.named_modules():
        experts = dict(_experts_of(name, module, model_type))
        yield from experts.items()
        weight: Any = getattr(module, "weight", None)
        if name and not experts and len(_shape(weight)) > 1:
            info = ModuleInfo(_type_name(type(module)), _shape(weight), _dtype_name(weight.dtype))
            # If modules share a weight, only the first has its size, so that totals count it once.
            yield name, ModuleInfo(info.type) if id(weight) in weights else info
            weights[id(weight)] = weight


def _experts_of(name: str, module: Any, model_type: str) -> Iterator[tuple[str, ModuleInfo]]:
    found: set[str] = set()
    for rule in _FUSED_EXPERTS:
        owner, _, attribute = rule.suffix.rpartition(".")
        weight: Any = getattr(module, attribute, None) if name.endswith(owner) else None
        applies = model_type in rule.model_types or not rule.model_types
        if len(_shape(weight)) != 3 or not applies or rule.suffix in found:
            continue
        found.add(rule.suffix)
        experts, outputs, inputs = _shape(weight)
        if getattr(module, "is_transposed", rule.inputs_first):  # transformers 5 sets it on most experts
            outputs, inputs = inputs, outputs
        info = ModuleInfo("Linear", (outputs // len(rule.modules), inputs), _dtype_name(weight.dtype))
        for end in rule.modules:
            for expert in range(experts):
                yield name.removesuffix(owner) + end.replace("#", str(expert)), info


def _shape(weight: Any) -> tuple[int, ...]:
    return tuple(getattr(weight, "shape", ()))


def _module_info(name: str, value: Union[str, type, TypeShapeDtype]) -> ModuleInfo:
    if isinstance(value, (str, type)):
        return ModuleInfo(_type_name(value))
    if isinstance(value, tuple) and len(value) == 3:
        module_type, shape, dtype = value
        return ModuleInfo(_type_name(module_type), tuple(shape or ()), _dtype_name(dtype))
    raise TypeError(f"model[{name!r}] must be a type or a tuple of type, shape and dtype, not {value!r}")


def _type_name(module_type: Union[str, type]) -> str:
    name = module_type.__name__ if isinstance(module_type, type) else module_type
    return "Linear" if name in _QUANTIZED_LINEAR else name


def _dtype_name(dtype: Any) -> str:
    return "" if dtype is None else str(dtype).removeprefix("torch.")


def _usual_type(name: str) -> str:
    if not isinstance(name, str):
        raise TypeError(f"names of modules must be strings, not {name!r}")
    return "Embedding" if name.rpartition(".")[2] in _EMBEDDINGS else "Linear"


def to_messages(modules: Mapping[str, ModuleInfo]) -> tuple[list[Module], list[str]]:
    """Messages with ranges for consecutive numbers, and the names in the order in which the server expands the ranges.

    Takes linear time.
    """
    groups: dict[tuple[ModuleInfo, tuple[str, ...]], dict[tuple[int, ...], str]] = {}
    for name, info in modules.items():
        if _RANGE.search(name):
            raise ValueError(f"the name {name!r} has a range; pass the name of each module")
        parts = _NUMBER.split(name)
        groups.setdefault((info, tuple(parts[::2])), {})[tuple(map(int, parts[1::2]))] = name
    messages: list[Module] = []
    names: list[str] = []
    for (info, texts), group in groups.items():
        for ranges in _cover(group, len(texts) - 1):
            messages.append(Module(name=_name(texts, ranges), type=info.type, shape=info.shape, dtype=info.dtype))
            names.extend(group[numbers] for numbers in itertools.product(*ranges))
    return messages, names


def _cover(points: Iterable[tuple[int, ...]], dimensions: int) -> list[tuple[range, ...]]:
    """Boxes, as one range for each dimension, that together have exactly the given points."""
    boxes: list[tuple[Any, ...]] = list(points)  # a number in each dimension, and then ranges from the last one on
    for i in reversed(range(dimensions)):
        lines: dict[tuple[tuple[Any, ...], tuple[Any, ...]], dict[int, None]] = {}
        for box in boxes:
            lines.setdefault((box[:i], box[i + 1 :]), {})[box[i]] = None
        boxes = [(*before, run, *after) for (before, after), numbers in lines.items() for run in _runs(numbers)]
    return boxes


def _runs(numbers: Mapping[int, None]) -> Iterator[range]:
    for first in numbers:
        if first - 1 not in numbers:
            end = first + 1
            while end in numbers:
                end += 1
            yield range(first, end)


def _name(texts: tuple[str, ...], ranges: tuple[range, ...]) -> str:
    numbers = (str(run[0]) if len(run) == 1 else f"{{{run[0]}..{run[-1]}}}" for run in ranges)
    return texts[0] + "".join(number + text for number, text in zip(numbers, texts[1:]))
