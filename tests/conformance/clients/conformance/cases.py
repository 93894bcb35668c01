# SPDX-License-Identifier: Apache-2.0
"""The cases, what they leave out, and the values that steps hand to later ones."""

import hashlib
import json
import pathlib
import re

from conformance import messages
from conformance.expect import at
from programs import ROOT

HERE = pathlib.Path(__file__).resolve().parents[1]


def load():
    """All cases, in the order of the files and in them."""
    found = []
    for path in sorted((HERE / "cases").glob("*.json")):
        found += json.loads(path.read_text())
    names = [case["name"] for case in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"cases of the same name: {', '.join(sorted(twice))}")
    return found


def digest():
    """Changes when the cases do, or what runs them."""
    content = hashlib.sha256()
    shared = [ROOT / "tests/e2e/digest_test.py", ROOT / "tests/e2e/programs.py"]
    for path in sorted([*(HERE / "cases").glob("*.json"), *(HERE / "conformance").glob("*.py"), *shared]):
        content.update(path.read_bytes())
    return content.hexdigest()


def _values(part, key):
    """What stands under `key` anywhere in the part."""
    if isinstance(part, dict):
        for name, value in part.items():
            if name == key:
                yield value
            yield from _values(value, key)
    elif isinstance(part, list):
        for value in part:
            yield from _values(value, key)


def holes(cases):
    """What no case covers: reasons of errors of whole calls, warnings, methods."""
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
    """A copy with what was saved instead of "${name}", and repeated what {"$repeat": part, "times": n} says."""
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
    """Keeps parts of an answer, as {"name": "path"} says, for later steps."""
    for name, path in step.get("save", {}).items():
        saved[name] = at(answer, path)
