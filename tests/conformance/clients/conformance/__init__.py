# SPDX-License-Identifier: Apache-2.0
"""Runs the conformance cases."""

import pathlib
import sys

sys.path.append(str(pathlib.Path(__file__).resolve().parents[3] / "e2e"))  # for programs.py, which starts the programs
