#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Puts the questions of the golden files to the installed amd-quark again and compares its answers with theirs.

Exit code: 0 when all are equal, 1 when any differs, 2 when nothing could be compared.
"""
from __future__ import annotations

import argparse
import contextlib
import fnmatch
import gzip
import io
import json
import logging
import os.path
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


def refuse(sentence: str) -> NoReturn:
    print(sentence, file=sys.stderr)
    raise SystemExit(2)


def require_release(release: str) -> None:
    """Asks the package's metadata, since importing Quark takes long."""
    try:
        installed = metadata.version("amd-quark")
    except metadata.PackageNotFoundError:
        refuse(f"The goldens are of amd-quark {release}, but this interpreter has no amd-quark.")
    if installed != release:
        refuse(f"The goldens are of amd-quark {release}, but amd-quark {installed} is installed.")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


class Quark:
    def __init__(self) -> None:
        import torch.nn
        from quark.torch import LLMTemplate
        from quark.torch.quantization.config import config

        self.layer_types = torch.nn
        self.templates = LLMTemplate
        self.online_rotation = config.OnlineRotationConfig
        self.algorithms = {
            "awq": config.AWQConfig,
            "gptq": config.GPTQConfig,
            "gptaq": config.GPTAQConfig,
            "qronos": config.QronosConfig,
            "smoothquant": config.SmoothQuantConfig,
            "autosmoothquant": config.AutoSmoothQuantConfig,
            "rotation": config.RotationConfig,
        }

    def algo_config(self, algorithm: str, fields: dict[str, Json]) -> Any:
        fields = dict(fields)
        if isinstance(fields.get("online_config"), dict):
            fields["online_config"] = self.online_rotation(**fields["online_config"])
        return self.algorithms[algorithm](**fields)

    def keywords(self, request: dict[str, Json]) -> dict[str, Any]:
        keywords = {key: value for key, value in request.items() if key != "model_type"}
        if "layer_config" in keywords:
            keywords["layer_config"] = dict(keywords["layer_config"])
        if "layer_type_config" in keywords:
            pairs = keywords["layer_type_config"]
            keywords["layer_type_config"] = {getattr(self.layer_types, name): scheme for name, scheme in pairs}
        if "algo_configs" in keywords:
            pairs = keywords["algo_configs"]
            keywords["algo_configs"] = {name: self.algo_config(it["kind"], it["fields"]) for name, it in pairs}
        return keywords

    def answer_request(self, case: Case) -> Case:
        request = case["request"]
        config = self.templates.get(request["model_type"]).get_config(**self.keywords(request))
        return {"config": config.to_dict(), "runtime": {name: getattr(config, name) for name in RUNTIME}}

    def answer_algo_config(self, case: Case) -> Case:
        return {"config": self.algo_config(case["algorithm"], case["fields"]).to_dict()}

    def answer_fnmatch(self, case: Case) -> Case:
        return {"match": fnmatch.fnmatchcase(case["name"], case["pattern"])}


Answer = Callable[[Quark, Case], Case]
ANSWERS: dict[str, Answer] = {
    "matrix": Quark.answer_request,
    "algorithms": Quark.answer_request,
    "overrides": Quark.answer_request,
    "algorithm_configs": Quark.answer_algo_config,
    "fnmatch": Quark.answer_fnmatch,
}


def load_quark() -> Quark:
    logging.disable(logging.CRITICAL)
    try:
        with silence():
            return Quark()
    except ImportError as error:
        refuse(f"amd-quark cannot be imported: {error}.")


def answer_or_refusal(quark: Quark, answer: Answer, case: Case) -> Case:
    try:
        with silence():
            return answer(quark, case)
    except Exception as error:
        return {"error": {"type": type(error).__name__, "message": str(error)}}


def shorten(text: str, start: int = 0) -> str:
    """The part of `text` that begins a little before `start`."""
    begin = max(0, start - WIDTH // 3) if len(text) > WIDTH else 0
    end = begin + WIDTH
    return ("..." if begin else "") + text[begin:end] + ("..." if end < len(text) else "")


def contrast(path: str, golden: Json, answer: Json) -> str:
    texts = ["nothing" if value is ABSENT else repr(value) for value in (golden, answer)]
    start = len(os.path.commonprefix(texts))
    return f"{path}: golden {shorten(texts[0], start)}, Quark {shorten(texts[1], start)}"


def equal_scalars(golden: Json, answer: Json) -> bool:
    """1 equals 1.0, but not True as it does in Python."""
    return isinstance(golden, bool) == isinstance(answer, bool) and bool(golden == answer)


def differences_of_objects(path: str, golden: dict[str, Json], answer: dict[str, Json]) -> Iterator[str]:
    for key in [*golden, *(key for key in answer if key not in golden)]:
        yield from differences(f"{path}.{key}", golden.get(key, ABSENT), answer.get(key, ABSENT))
    if path.rpartition(".")[2] in KEY_ORDER_COUNTS and list(golden) != list(answer):
        yield contrast(f"{path} (order of keys)", list(golden), list(answer))


def differences(path: str, golden: Json, answer: Json) -> Iterator[str]:
    """What differs below `path`. JSON has no tuples, so those of Quark are lists here."""
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
    """The first difference, or an empty text. A refusal on one side only is more telling than what it lacks."""
    for part in ("error", "config", "runtime", "match"):
        for difference in differences(part, case.get(part, ABSENT), answer.get(part, ABSENT)):
            return difference
    return ""


def read_cases(path: Path) -> list[Case]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            cases = [json.loads(line) for line in lines]
    except (OSError, EOFError, ValueError) as error:
        refuse(f"{path} cannot be read: {error}.")
    if not cases:
        refuse(f"{path} has no case.")
    return cases


def check_file(quark: Quark, path: Path) -> bool:
    found = []
    cases = read_cases(path)
    for line, case in enumerate(cases, start=1):
        difference = compare(case, answer_or_refusal(quark, ANSWERS[name_of(path)], case))
        if difference:
            found.append(f"  {case.get('id', f'line {line}')}: {difference}")
    print(f"{name_of(path)}: {len(cases) - len(found)} of {len(cases)} equal", flush=True)
    for text in found[:SHOWN]:
        print(text)
    if len(found) > SHOWN:
        print(f"  and {len(found) - SHOWN} more")
    return not found


def name_of(path: Path) -> str:
    return path.name.split(".")[0]


def golden_files(release: str, files: list[str]) -> list[Path]:
    """`files` are names such as `matrix`, or paths; without them it is every golden file of the release."""
    directory = GOLDEN_DIR / f"quark-{release}"
    paths = [Path(file) if file.endswith(SUFFIX) else directory / (file + SUFFIX) for file in files]
    paths = paths or sorted(directory.glob("*" + SUFFIX))
    if not paths:
        refuse(f"{directory} has no golden files.")
    for path in paths:
        if not path.is_file():
            refuse(f"There is no golden file {path}.")
        if name_of(path) not in ANSWERS:
            refuse(f"It is not known what to ask Quark for {path}.")
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare golden files with what the installed amd-quark answers.")
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
