# SPDX-License-Identifier: Apache-2.0
"""Compares answers with what a case expects."""

import json
import re

ERROR_KEYS = {  # always compared; the value is the default of an expectation
    "code": "", "reason": "", "field": "", "value": "", "suggestions": [], "rule": "", "required_role": "", "retry_after_ms": 0, "first_revision": 0,
    "newest_revision": 0, "finding_total": 0,
}
COMPARED_IF_GIVEN = {"allowed": [], "allowed_total": 0, "tenant": "", "catalog": ""}
NUMBERS = ("allowed_total", "retry_after_ms", "first_revision", "newest_revision", "finding_total")  # drivers may write them as strings
IN_METADATA_TOO = ("field", "value", "tenant", "catalog", "rule")


class Unexpected(AssertionError):
    """The answer differs from what the case expects."""


class TooLate(Unexpected):
    """No server was reachable although an answer was expected: in a race, the server may have started too late."""


def at(value, path):
    """Returns the part of `value` at a path such as "changes.0.revision"; "" is the whole value. KeyError: no such part."""
    for name in path.split(".") if path else ():
        try:
            value = value[int(name)] if isinstance(value, list) else value[name]
        except (LookupError, TypeError, ValueError):
            raise KeyError(path) from None
    return value


def _without(value, paths):
    """Returns a copy without the parts at the paths, in which * matches every item of a list."""
    copy = json.loads(json.dumps(value))

    def remove(part, names):
        if isinstance(part, list):
            for item in part:
                remove(item, names[1:] if names[0] == "*" else names)
        elif isinstance(part, dict) and names[0] in part:
            if len(names) == 1:
                del part[names[0]]
            else:
                remove(part[names[0]], names[1:])

    for path in paths:
        remove(copy, path.split("."))
    return copy


def _differences(expected, got, path, exact):
    """Yields what `got` lacks of `expected` and, if `exact`, also what it has in addition."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for name in expected:
            if name not in got:
                yield f"{path}.{name}: expected {show(expected[name])}, got nothing"
            else:
                yield from _differences(expected[name], got[name], f"{path}.{name}", exact)
        for name in set(got) - set(expected) if exact else ():
            yield f"{path}.{name}: expected nothing, got {show(got[name])}"
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for i, (one, other) in enumerate(zip(expected, got)):
            yield from _differences(one, other, f"{path}[{i}]", exact)
    elif isinstance(expected, int) and not isinstance(expected, bool) and isinstance(got, str):
        if str(expected) != got:  # an int64
            yield f"{path}: expected {expected}, got {show(got)}"
    elif expected != got or isinstance(expected, bool) != isinstance(got, bool):
        yield f"{path}: expected {show(expected)}, got {show(got)}"


def show(value, limit=1500):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def _fail_on(differences):
    differences = list(differences)
    if differences:
        raise Unexpected("\n".join(differences[:20]))


def check_answer(expected, got):
    """Checks an answer. `expected` may have: equal (except for the paths of ignore), has, absent, matches."""
    unknown = set(expected) - {"equal", "ignore", "has", "absent", "matches"}
    assert not unknown, f"the case expects {unknown}, which are not keys of an expected answer"
    if "equal" in expected:
        ignored = expected.get("ignore", [])
        _fail_on(_differences(_without(expected["equal"], ignored), _without(got, ignored), "answer", True))
    if "has" in expected:
        _fail_on(_differences(expected["has"], got, "answer", False))
    for path in expected.get("absent", []):
        try:
            raise Unexpected(f"answer.{path}: expected nothing, got {show(at(got, path))}")
        except KeyError:
            pass
    for path, pattern in expected.get("matches", {}).items():
        try:
            value = at(got, path)
        except KeyError:
            raise Unexpected(f"answer.{path}: expected {pattern}, got nothing") from None
        if not re.fullmatch(pattern, str(value), re.S):
            raise Unexpected(f"answer.{path}: expected {pattern}, got {show(value)}")


def _check_lists(got):
    """Checks the limits of lists in error.proto, and that `allowed_total` is at least the length of `allowed`."""
    if len(got["allowed"]) > min(10, got["allowed_total"]) or len(got["suggestions"]) > 3:
        raise Unexpected(f"error: expected at most 10 allowed values, counted by allowed_total, and 3 suggestions, got {show(got)}")


def _check_metadata(expected, got):
    """Compares the keys that the case gives. The others must equal the error's detail, and lists must be only in the detail."""
    metadata, given = got.get("metadata", {}), expected.get("metadata", {})
    _fail_on(_differences(given, metadata, "error.metadata", False))
    for key in IN_METADATA_TOO:
        if key not in given and got[key] != metadata.get(key, ""):
            raise Unexpected(f"error.{key} is {show(got[key])}, but error.metadata has {show(metadata)}")
    for key in {"allowed", "suggestion", "suggestions"} & set(metadata):
        raise Unexpected(f"error.metadata.{key}: expected nothing, got {show(metadata[key])}")


def _check_violations(expected, got):
    """Checks that each violation has a description, or none if the case expects a shortened error.

    By default, one violation is expected for the error's field, and none without a field.
    """
    fields = [expected["field"]] if expected.get("field") else []
    violations = got.get("field_violations", [])
    _fail_on(_differences(expected.get("violations", fields), [v.get("field") for v in violations], "error.field_violations", True))
    described = not expected.get("without_descriptions", False)
    if any(bool(violation.get("description")) != described for violation in violations):
        raise Unexpected(f"error.field_violations: expected {'' if described else 'no '}descriptions, got {show(violations)}")


def check_error(expected, got):
    """Checks an error: always compares the keys of ERROR_KEYS and findings, and the others if the case gives them."""
    others = {"findings", "message", "metadata", "violations", "without_descriptions"}
    unknown = set(expected) - {*ERROR_KEYS, *COMPARED_IF_GIVEN, *others}
    assert not unknown, f"the case expects {unknown}, which are not keys of an expected error"
    if "allowed" in expected:
        expected = {"allowed_total": len(expected["allowed"]), **expected}
    got = {**ERROR_KEYS, **COMPARED_IF_GIVEN, **got}
    got |= {key: int(got[key]) for key in NUMBERS}
    for key in [*ERROR_KEYS, *(key for key in COMPARED_IF_GIVEN if key in expected)]:
        wanted = expected.get(key, ERROR_KEYS.get(key))
        _fail_on(_differences(int(wanted) if key in NUMBERS else wanted, got[key], f"error.{key}", True))
    _fail_on(_differences(expected.get("findings", []), got.get("findings", []), "error.findings", False))
    _check_lists(got)
    _check_metadata(expected, got)
    if not isinstance(got.get("message"), str) or not re.search(expected.get("message", "."), got["message"], re.S):
        raise Unexpected(f"error.message: expected {expected.get('message', 'some text')}, got {show(got.get('message'))}")
    _check_violations(expected, got)
