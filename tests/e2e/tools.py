# SPDX-License-Identifier: Apache-2.0
"""Tools that the programs do not need and the tests do."""

import json
import subprocess

from programs import ROOT

TOOLS = ROOT / "build/tools/bin"


def run_tool(*command, **options):
    """Runs the command and returns what it prints; a failure says what it printed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, **options)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit code {result.returncode}\n{result.stdout}")
    return result.stdout


def load_yaml(text):
    """The documents in a YAML text. Python itself cannot read YAML; the validator's environment can."""
    program = "import json, sys, yaml; print(json.dumps(list(yaml.safe_load_all(sys.stdin))))"
    return json.loads(run_tool(ROOT / "build/tools/python/bin/python", "-c", program, input=text))
