# SPDX-License-Identifier: Apache-2.0
"""Loads the cases, finds gaps in their coverage, and passes saved values from step to step."""

import hashlib
import json
import pathlib
import re

from conformance import messages
from conformance.expect import at
from programs import ROOT

HERE = pathlib.Path(__file__).resolve().parents[1]


def load():
    """Returns all cases in order."""
    found = []
    for path in sorted((HERE / "cases").glob("*.json")):
        found += json.loads(path.read_text())
    names = [case["name"] for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"duplicate case names: {', '.join(sorted(twice))}")
    return found


def digest():
    """Returns a digest of the cases and of the code that runs them."""
    content = hashlib.sha256()
    shared = [ROOT / "tests/e2e/digest_test.py", ROOT / "tests/e2e/programs.py"]
    for path in sorted([*(HERE / "cases").glob("*.json"), *(HERE / "conformance").glob("*.py"), *shared]):
        content.update(path.read_bytes())
    return content.hexdigest()


def _values(part, key):
    """Yields the values of `key` anywhere in the part."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from _values(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from _values(value, key)


def holes(cases):
    """Returns what no case covers: error reasons of whole calls, warnings, methods."""
    reasons = {error.get("reason", "") for error in _values(cases, "error") if isinstance(error, dict)}
    answers = [*_values(cases, "has"), *_values(cases, "equal")]
    warnings = {code.removeprefix("WARNING_CODE_") for code in _values(answers, "code") if isinstance(code, str)}
    methods = {value for key in ("call", "all", "method") for value in _values(cases, key)}
    return [
        *(f"no case expects {reason}" for reason in messages.enum_names("ErrorReason") if reason not in reasons),
        *(f"no case expects the warning {code}" for code in messages.enum_names("WarningCode") if code not in warnings),
        *(f"no case calls {method}" for method in messages.METHODS if method not in methods),
    ]


def filled_in(part, saved):
    """Returns a copy in which saved values replace "${name}", and repeated parts replace {"$repeat": part, "times": n}."""
    if isinstance(part, dict):
        if "$repeat" in part:
            return filled_in(part["$repeat"], saved) * part["times"]
        return {filled_in(key, saved): filled_in(value, saved) for key, value in part.items()}
    if isinstance(part, list):
        return [filled_in(value, saved) for value in part]
    if not isinstance(part, str):
        return part
    whole = re.fullmatch(r"\$\{(\w+)\}", part)
    if whole:
        return saved[whole[1]]
    return re.sub(r"\$\{(\w+)\}", lambda name: str(saved[name[1]]), part)


def save(step, answer, saved):
    """Saves parts of an answer for later steps, as the step's {"name": "path"} requests."""
    for name, path in step.get("save", {}).items():
        saved[name] = at(answer, path)
