#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the cases of the golden files with the installed amd-quark and compares its answers with the recorded ones.

Exit code: 0 if all answers are equal, 1 if any differs, 2 if nothing could be compared.
"""
from __future__ import annotations

import argparse
import contextlib
import fnmatch
import gzip
import importlib
import io
import json
import logging
import os.path
import re
import sys
from importlib import metadata
from pathlib import Path
from typing import Any, Callable, Iterator, NoReturn

Json = Any
Case = dict[str, Json]

GOLDEN_DIR = Path(__file__).resolve().parent
SUFFIX = ".jsonl.gz"
SHOWN = 5
WIDTH = 90
KEY_ORDER_COUNTS = {"layer_quant_config", "layer_type_quant_config", "kv_cache_quant_config"}
RUNTIME = (
    "kv_cache_group",
    "min_kv_scale",
    "shared_scale_groups",
    "sync_moe_expert_input_amax",
    "keep_prequantized_layers",
)
ABSENT = object()


def fail(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def require_release(release: str) -> None:
    """Reads the package's metadata, because importing Quark takes long."""
    try:
        installed = metadata.version("amd-quark")
    except metadata.PackageNotFoundError:
        fail(f"The goldens are of amd-quark {release}, but this interpreter has no amd-quark.")
    if installed != release:
        fail(f"The goldens are of amd-quark {release}, but amd-quark {installed} is installed.")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


CONFIG = "quark.torch.quantization.config.config"
ALGORITHMS = {
    "awq": (CONFIG, "AWQConfig"),
    "gptq": (CONFIG, "GPTQConfig"),
    "gptaq": (CONFIG, "GPTAQConfig"),
    "qronos": (CONFIG, "QronosConfig"),
    "smoothquant": (CONFIG, "SmoothQuantConfig"),
    "autosmoothquant": (CONFIG, "AutoSmoothQuantConfig"),
    "rotation": (CONFIG, "RotationConfig"),
    "autoround": (CONFIG, "AutoRoundConfig"),  # since 0.13
    "twobitscalar": ("quark.experimental.torch.twobitscalar.config", "TwoBitScalarConfig"),  # since 0.13
}


class Quark:
    def __init__(self) -> None:
        import torch.nn
        from quark.torch import LLMTemplate
        from quark.torch.quantization import observer
        from quark.torch.quantization.config import config, type as types

        self.layer_types = torch.nn
        self.templates = LLMTemplate
        self.config = config
        self.devices = types.DeviceType
        self.observers = observer.OBSERVER_MAP
        self.enums = {
            "dtype": types.Dtype,
            "mx_element_dtype": types.Dtype,
            "qscheme": types.QSchemeType,
            "round_method": types.RoundType,
            "scale_type": types.ScaleType,
            "zero_point_type": types.ZeroPointType,
        }

    def algo_config(self, algorithm: str, fields: dict[str, Json]) -> Any:
        fields = dict(fields)
        if isinstance(fields.get("online_config"), dict):
            fields["online_config"] = self.config.OnlineRotationConfig(**fields["online_config"])
        module, name = ALGORITHMS[algorithm]
        return getattr(importlib.import_module(module), name)(**fields)

    def algo_configs(self, pairs: list[Json]) -> dict[str, Any]:
        return {name: self.algo_config(it["kind"], it["fields"]) for name, it in pairs}

    def tensor(self, fields: dict[str, Json]) -> Any:
        fields = {key: self.enums[key][it] if it and key in self.enums else it for key, it in fields.items()}
        fields["observer_cls"] = self.observers[fields["observer_cls"]] if fields["observer_cls"] else None
        return self.config.QTensorConfig(**fields)

    def layer(self, members: dict[str, Json]) -> Any:
        layer = {}
        for key, it in members.items():
            if key == "target_device":
                layer[key] = self.devices[it] if it else None
            else:
                layer[key] = [self.tensor(stage) for stage in it] if isinstance(it, list) else it and self.tensor(it)
        return self.config.QLayerConfig(**layer)

    def template(self, fields: dict[str, Json]) -> Any:
        fields = dict(fields)
        if fields.get("algorithm_configs") is not None:
            fields["algorithm_configs"] = self.algo_configs(fields["algorithm_configs"])
        return self.templates(**fields)

    def spec(self, case: dict[str, Json]) -> Any:
        return getattr(self.config, case["spec"])(**case["fields"])

    def keywords(self, request: dict[str, Json]) -> dict[str, Any]:
        keywords = {key: value for key, value in request.items() if key != "model_type"}
        if "layer_config" in keywords:
            keywords["layer_config"] = dict(keywords["layer_config"])
        if "layer_type_config" in keywords:
            pairs = keywords["layer_type_config"]
            keywords["layer_type_config"] = {getattr(self.layer_types, name): scheme for name, scheme in pairs}
        if "algo_configs" in keywords:
            keywords["algo_configs"] = self.algo_configs(keywords["algo_configs"])
        return keywords

    def answer_request(self, case: Case) -> Case:
        request = case["request"]
        config = self.templates.get(request["model_type"]).get_config(**self.keywords(request))
        return {"config": config.to_dict(), "runtime": {name: getattr(config, name) for name in RUNTIME}}

    def answer_registry(self, case: Case) -> Case:
        names = []
        try:
            for name, members in case["register_schemes"]:
                self.templates.register_scheme(name, self.layer(members))
                names.append(name)
            for fields in case["register_templates"]:
                self.templates.register_template(self.template(fields))
            return self.answer_request(case)
        finally:
            for name in names:
                self.templates.unregister_scheme(name)

    def answer_tensor(self, case: Case) -> Case:
        self.config.QLayerConfig(**{case["where"]: self.tensor(case["tensor"])})
        return {"valid": True, "tensor": case["tensor"]}

    def answer_spec(self, case: Case) -> Case:
        return {"tensor": tensor_members(self.spec(case).to_quantization_spec())}

    def answer_two_stages(self, case: Case) -> Case:
        form = getattr(self.config, case["form"])
        stages = form(self.spec(case["first_stage"]), self.spec(case["second_stage"])).to_quantization_spec()
        return {"tensors": [tensor_members(stage) for stage in stages]}

    def answer_algo_config(self, case: Case) -> Case:
        return {"config": self.algo_config(case["algorithm"], case["fields"]).to_dict()}

    def answer_fnmatch(self, case: Case) -> Case:
        return {"match": fnmatch.fnmatchcase(case["name"], case["pattern"])}


def tensor_members(tensor: Any) -> dict[str, Json]:
    """Returns every member of a tensor configuration, with enum values and classes as names."""
    return {key: getattr(it, "name", None) or getattr(it, "__name__", it) for key, it in vars(tensor).items()}


Answer = Callable[[Quark, Case], Case]
ANSWERS: dict[str, Answer] = {
    "matrix": Quark.answer_request,
    "algorithms": Quark.answer_request,
    "overrides": Quark.answer_request,
    "registry": Quark.answer_registry,
    "tensor_validation": Quark.answer_tensor,
    "spec_presets": Quark.answer_spec,
    "two_stage_specs": Quark.answer_two_stages,
    "algorithm_configs": Quark.answer_algo_config,
    "fnmatch": Quark.answer_fnmatch,
}


def load_quark() -> Quark:
    logging.disable(logging.CRITICAL)
    try:
        with silence():
            return Quark()
    except ImportError as error:
        fail(f"amd-quark cannot be imported: {error}.")


def answer_or_error(quark: Quark, answer: Answer, case: Case) -> Case:
    try:
        with silence():
            return answer(quark, case)
    except Exception as error:
        return {"error": {"type": type(error).__name__, "message": str(error)}}


def with_sorted_sets(error: Json) -> Json:
    """Sorts the sets of classes in an error message, because Quark prints them in a different order in each run."""
    if error is ABSENT:
        return error
    ordered = re.sub(r"(?<={)<class [^}]*(?=})", lambda it: ", ".join(sorted(it[0].split(", "))), error["message"])
    return {**error, "message": ordered}


def shorten(text: str, start: int = 0) -> str:
    """Returns the part of `text` that begins a little before `start`."""
    begin = max(0, start - WIDTH // 3) if len(text) > WIDTH else 0
    end = begin + WIDTH
    return ("..." if begin else "") + text[begin:end] + ("..." if end < len(text) else "")


def contrast(path: str, golden: Json, answer: Json) -> str:
    texts = ["nothing" if value is ABSENT else repr(value) for value in (golden, answer)]
    start = len(os.path.commonprefix(texts))
    return f"{path}: golden {shorten(texts[0], start)}, Quark {shorten(texts[1], start)}"


def equal_scalars(golden: Json, answer: Json) -> bool:
    """Compares scalars: 1 equals 1.0 but, unlike in Python, not True."""
    return isinstance(golden, bool) == isinstance(answer, bool) and bool(golden == answer)


def differences_of_objects(path: str, golden: dict[str, Json], answer: dict[str, Json]) -> Iterator[str]:
    for key in [*golden, *(key for key in answer if key not in golden)]:
        yield from differences(f"{path}.{key}", golden.get(key, ABSENT), answer.get(key, ABSENT))
    if path.rpartition(".")[2] in KEY_ORDER_COUNTS and list(golden) != list(answer):
        yield contrast(f"{path} (order of keys)", list(golden), list(answer))


def differences(path: str, golden: Json, answer: Json) -> Iterator[str]:
    """Yields the differences below `path`. Treats Quark's tuples as lists, because JSON has no tuples."""
    if isinstance(answer, tuple):
        answer = list(answer)
    if isinstance(golden, dict) and isinstance(answer, dict):
        yield from differences_of_objects(path, golden, answer)
    elif isinstance(golden, list) and isinstance(answer, list) and len(golden) == len(answer):
        for index, (left, right) in enumerate(zip(golden, answer)):
            yield from differences(f"{path}[{index}]", left, right)
    elif isinstance(golden, (dict, list)) or not equal_scalars(golden, answer):
        yield contrast(path, golden, answer)


def compare(case: Case, answer: Case) -> str:
    """Returns the first difference, or an empty text. Errors come first: if only one side has one, it explains the rest."""
    for difference in differences("error", *(with_sorted_sets(it.get("error", ABSENT)) for it in (case, answer))):
        return difference
    if "error" in case:
        return ""
    for part in ("config", "runtime", "match", "valid", "tensor", "tensors"):
        for difference in differences(part, case.get(part, ABSENT), answer.get(part, ABSENT)):
            return difference
    return ""


def read_cases(path: Path) -> list[Case]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            cases = [json.loads(line) for line in lines]
    except (OSError, EOFError, ValueError) as error:
        fail(f"{path} cannot be read: {error}.")
    if not cases:
        fail(f"{path} has no cases.")
    return cases


def check_file(quark: Quark, path: Path) -> bool:
    found = []
    cases = read_cases(path)
    for line, case in enumerate(cases, start=1):
        difference = compare(case, answer_or_error(quark, ANSWERS[golden_name(path)], case))
        if difference:
            found.append(f"  {case.get('id', f'line {line}')}: {difference}")
    print(f"{golden_name(path)}: {len(cases) - len(found)} of {len(cases)} equal", flush=True)
    for text in found[:SHOWN]:
        print(text)
    if len(found) > SHOWN:
        print(f"  and {len(found) - SHOWN} more")
    return not found


def golden_name(path: Path) -> str:
    return path.name.split(".")[0]


def golden_files(release: str, files: list[str]) -> list[Path]:
    """Returns the paths of `files`, which are names such as `matrix` or paths; by default all golden files of the release."""
    directory = GOLDEN_DIR / f"quark-{release}"
    paths = [Path(file) if file.endswith(SUFFIX) else directory / (file + SUFFIX) for file in files]
    paths = paths or sorted(directory.glob("*" + SUFFIX))
    if not paths:
        fail(f"{directory} has no golden files.")
    for path in paths:
        if not path.is_file():
            fail(f"The golden file {path} does not exist.")
        if golden_name(path) not in ANSWERS:
            fail(f"{path} has an unknown kind of cases; known kinds: {', '.join(ANSWERS)}.")
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare golden files with the answers of the installed amd-quark.")
    parser.add_argument("--release", default="0.12.post1", help="amd-quark release of the golden files")
    parser.add_argument("files", nargs="*", metavar="file", help="a name such as matrix, or a path; default: all")
    arguments = parser.parse_args()

    paths = golden_files(arguments.release, arguments.files)
    require_release(arguments.release)
    quark = load_quark()
    equal = [check_file(quark, path) for path in paths]
    return 0 if all(equal) else 1


if __name__ == "__main__":
    sys.exit(main())
