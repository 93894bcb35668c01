# SPDX-License-Identifier: Apache-2.0
"""Lists the modules of a model for PlanLayers.

Uses only the names of attributes and classes, so it does not need torch.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
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
    "shared",
    "tok_embeddings",
    "token_type_embeddings",
    "word_embedding",
    "word_embeddings",
    "wpe",
    "wte",
}

# The weights of fused experts, with three dimensions -> the modules by which Quark replaces them, for each expert.
_FUSED_EXPERTS = {"gate_up_proj": ("gate_proj", "up_proj"), "down_proj": ("down_proj",)}
_WITH_INPUTS_FIRST = ("gpt_oss", "llama4", "llama4_text")
_WITH_UNSPLIT_EXPERTS = ("gpt_oss",)

# A component of a name that is a number.
_NUMBER = re.compile(r"(?<![^.])(0|[1-9][0-9]{0,8})(?![^.])")
_RANGE = re.compile(r"\{[0-9]+\.\.[0-9]+\}")


def model_type_of(model: Modules) -> str:
    model_type = getattr(getattr(model, "config", None), "model_type", None)
    if not isinstance(model_type, str):
        raise TypeError("model_type is required for a model without config.model_type")
    return model_type


def list_modules(model: Modules, model_type: str) -> dict[str, ModuleInfo]:
    """The modules of the `model` that the caller of `Client.plan` passed, in its order."""
    if hasattr(model, "named_modules"):
        return dict(_modules_of(model, model_type))
    if isinstance(model, Mapping):
        return {name: _module_info(name, value) for name, value in model.items()}
    if isinstance(model, Iterable) and not isinstance(model, (str, bytes)):
        return {name: ModuleInfo(_usual_type(name)) for name in model}
    raise TypeError(f"model must be a torch.nn.Module, a dict or a list of names, not {model!r}")


def _modules_of(model: Any, model_type: str) -> Iterator[tuple[str, ModuleInfo]]:
    weights: dict[int, Any] = {}  # by id; keeps the weights, so that no id is used again
    for name, module in model.named_modules():
        weight: Any = getattr(module, "weight", None)
        if name and len(_shape(weight)) > 1:
            info = ModuleInfo(type(module).__name__, _shape(weight), _dtype_name(weight.dtype))
            # If modules share a weight, only the first has its size, so that totals count it once.
            yield name, ModuleInfo(info.type) if id(weight) in weights else info
            weights[id(weight)] = weight
        if name and type(module).__name__.endswith("Experts"):
            yield from _experts_of(name, module, model_type)


def _experts_of(name: str, module: Any, model_type: str) -> Iterator[tuple[str, ModuleInfo]]:
    for fused, parts in _FUSED_EXPERTS.items():
        weight: Any = getattr(module, fused, None)
        if len(_shape(weight)) != 3:
            continue
        experts, outputs, inputs = _shape(weight)
        if model_type in _WITH_INPUTS_FIRST:
            outputs, inputs = inputs, outputs
        if model_type in _WITH_UNSPLIT_EXPERTS:
            parts = (fused,)
        info = ModuleInfo("Linear", (outputs // len(parts), inputs), _dtype_name(weight.dtype))
        for part in parts:
            for expert in range(experts):
                yield f"{name}.{expert}.{part}", info


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
    return module_type.__name__ if isinstance(module_type, type) else module_type


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
