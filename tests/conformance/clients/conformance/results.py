# SPDX-License-Identifier: Apache-2.0
"""Stores the results of each language in files and prints a table of cases and languages."""

import json
import sys

from conformance.cases import digest
from programs import ROOT

LANGUAGES = {  # name of each column -> command of its driver, in client/
    "python": "python/conformance/command",
    "python-aio": "python/conformance/command-aio",
    "go": "go/conformance/command",
    "typescript": "typescript/conformance/command",
    "java": "java/conformance/command",
    "rust": "rust/conformance/command",
    "cpp": "cpp/conformance/command",
}
FOLDER = ROOT / "build/clients/conformance"


def write(cases, found):
    """Writes the results {case: "ok" or the failure} of each language."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for language, results in found.items():
        content = {"language": language, "cases": digest(), "results": results}
        (FOLDER / f"{language}.json").write_text(json.dumps(content, indent=1))


def read(cases):
    """Returns the stored results of these cases."""
    found = {}
    for language in LANGUAGES:
        path = FOLDER / f"{language}.json"
        if not path.exists():
            print(f"{language}: no results; run tests/conformance/clients/run {language}", file=sys.stderr)
            continue
        content = json.loads(path.read_text())
        if content["cases"] != digest():
            print(f"{language}: the results are for other cases; run tests/conformance/clients/run {language}", file=sys.stderr)
            continue
        found[language] = content["results"]
    return found


def _cell(result):
    if result is None:
        return "missing"
    return "ok" if result == "ok" else "FAIL"


def report(cases, languages, found, holes):
    """Prints the table and all problems. Returns 0 if there are none, otherwise 1."""
    width = max(len(case["name"]) for case in cases)
    columns = [max(len(language), 7) for language in languages]
    print(" ".join(["case".ljust(width), *(name.ljust(column) for name, column in zip(languages, columns))]).rstrip())
    failed = 0
    for case in cases:
        cells = [_cell(found.get(language, {}).get(case["name"])) for language in languages]
        failed += sum(cell != "ok" for cell in cells)
        print(" ".join([case["name"].ljust(width), *(cell.ljust(column) for cell, column in zip(cells, columns))]).rstrip())
    for hole in holes:
        print(f"hole: {hole}")
    print(f"{len(cases)} cases, {len(languages)} languages: {failed} not ok, {len(holes)} holes")
    return 1 if failed or holes else 0
