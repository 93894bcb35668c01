# SPDX-License-Identifier: Apache-2.0
"""Runs tools that only the tests need."""

import json
import subprocess

from programs import ROOT

TOOLS = ROOT / "build/tools/bin"


def run_tool(*command, **options):
    """Runs the command and returns its output. A failure raises an error with the output."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


def load_yaml(text):
    """Returns the documents of a YAML text. Uses the validator's Python environment, because Python itself cannot read YAML."""
    program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
    return json.loads(run_tool(ROOT / "build/tools/python/bin/python", "-c", program, input=text))
