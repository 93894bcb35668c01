# SPDX-License-Identifier: Apache-2.0
"""Counts the instructions of a server's calls, in user space."""

import pathlib
import re
import shutil
import subprocess

from servers import FILES, answered

PERF = ["perf", "stat", "--field-separator", ",", "--event", "instructions:u"]
COUNTED = re.compile(r"^(\d+),", re.MULTILINE)  # missing in perf stat's output if the event is not supported
OUTSTANDING = 64
START_SECONDS = 300  # callgrind slows down a server about 50 times


def find_tool():
    """Returns the first tool that works on this machine: "perf stat", "callgrind" or None."""
    if shutil.which("perf"):
        test = subprocess.run([*PERF, "true"], capture_output=True, text=True)
        if test.returncode == 0 and COUNTED.search(test.stderr):
            return "perf stat"
    return "callgrind" if shutil.which("valgrind") else None


def per_call(tool, build, calls):
    """Starts the build's server and returns the instructions of a warm call."""
    count = {"perf stat": count_with_perf, "callgrind": count_with_callgrind}[tool]
    return count(build, calls) / calls


def warm_up(server, build):
    answered(server, build.request, outstanding=OUTSTANDING, calls=OUTSTANDING * 4, **build.load_options)


def count_with_perf(build, calls):
    result = pathlib.Path(FILES.name, "perf")
    with build.start() as server:
        warm_up(server, build)
        perf = [*PERF, "--pid", str(server.process.pid), "--output", result, "--"]
        answered(server, build.request, outstanding=OUTSTANDING, calls=calls, under=perf, **build.load_options)
    return int(COUNTED.search(result.read_text()).group(1))


def count_with_callgrind(build, calls):
    result = pathlib.Path(FILES.name, "callgrind")
    callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={result}"]
    with build.start(under=callgrind, start_seconds=START_SECONDS) as server:
        warm_up(server, build)
        control(server, "--zero")
        answered(server, build.request, outstanding=OUTSTANDING, calls=calls, **build.load_options)
        control(server, "--dump")
    return int(re.search(r"^totals: (\d+)", result.with_suffix(".1").read_text(), re.MULTILINE).group(1))


def control(server, command):
    subprocess.run(["callgrind_control", command, str(server.process.pid)], check=True, capture_output=True)
