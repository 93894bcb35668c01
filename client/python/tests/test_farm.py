# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from conftest import Server

from qconfig_client.quark import installed_release

EXAMPLES = Path(__file__).parents[1] / "examples"
FARM = str(EXAMPLES / "farm_worker.py")
JOBS = str(EXAMPLES / "farm_jobs.jsonl")
F_SETPIPE_SZ = 1031  # in fcntl since Python 3.10


def farm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, FARM, *arguments], capture_output=True, text=True, timeout=120)


def test_example_jobs(server: Server) -> None:
    options = ("--server", server.address, "--catalog", "quark-0.12.post1")
    run = farm(*options, "--workers", "3", JOBS)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[0] == "llama-fp8: llama fp8 c8f52a42070f"
    assert run.stdout.splitlines()[-1] == "9 jobs: 9 done (0 stale), 0 failed"
    assert farm(*options, "--workers", "1", JOBS).stdout == run.stdout


def test_failed_jobs(server: Server, tmp_path: Path) -> None:
    jobs = tmp_path / "jobs"
    jobs.write_text(
        '{"id": "good", "model_type": "llama", "scheme": "fp8"}\n'
        "\n"
        '{"id": "scheme", "model_type": "llama", "scheme": "int4_wo_12"}\n'
        '{"id": "option", "model_type": "llama", "scheme": "fp8", "options": {"excludes": []}}\n'
        '{"id": "short", "model_type": "llama"}\n'
        "not a job\n"
        "[]\n"
    )
    run = farm("--server", server.address, str(jobs))
    assert run.returncode == 1
    lines = run.stdout.splitlines()
    assert lines[0].startswith("good: llama fp8 ")
    assert "scheme: FAILED, SchemeNotFound: " in lines[1]
    assert "int4_wo_128" in lines[1]
    assert "option: FAILED, TypeError: " in lines[2]
    assert lines[3] == "short: FAILED, KeyError: 'scheme'"
    assert lines[4].startswith("?: FAILED, JSONDecodeError: ")
    assert lines[5].startswith("?: FAILED, TypeError: ")
    assert lines[6] == "6 jobs: 1 done (0 stale), 5 failed"


def test_a_missing_file(tmp_path: Path) -> None:
    run = farm(str(tmp_path / "none"))
    assert run.returncode == 2
    assert run.stderr == f"{tmp_path / 'none'}: No such file or directory\n"


def test_a_server_restart(new_server: Server, tmp_path: Path) -> None:
    count = 500
    jobs = tmp_path / "jobs"
    jobs.write_text(
        "".join(
            json.dumps({"id": f"job-{number:03}", "model_type": "llama", "scheme": ["fp8", "mxfp4"][number % 2]}) + "\n"
            for number in range(count)
        )
    )
    reading, writing = os.pipe()
    fcntl.fcntl(writing, F_SETPIPE_SZ, 4096)  # the farm blocks after a few hundred unread lines
    process = subprocess.Popen(
        [sys.executable, FARM, "--server", new_server.address, "--workers", "2", str(jobs)],
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writing)
    with open(reading, encoding="utf-8") as output:
        lines = [output.readline()]
        new_server.stop()
        reader = threading.Thread(target=lambda: lines.extend(output))
        reader.start()
        assert process.stderr is not None
        assert any("waiting for the server" in line for line in process.stderr)
        assert len(lines) < count
        new_server.start()
        rest = threading.Thread(target=process.stderr.read)
        rest.start()
        assert process.wait(120) == 0
        reader.join()
        rest.join()
        process.stderr.close()
    assert [line.split(":")[0] for line in lines[:-1]] == [f"job-{number:03}" for number in range(count)]
    assert len({line.split(" ", 1)[1] for line in lines[:-1]}) == 2
    assert lines[-1] == f"{count} jobs: {count} done (0 stale), 0 failed\n"


def test_a_worker_that_dies() -> None:
    process = subprocess.Popen(
        [sys.executable, FARM, "--server", "127.0.0.1:1", "--workers", "1", JOBS],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert "waiting for the server" in process.stderr.readline()
    worker, children = process.pid, [process.pid]
    while children:
        worker = children[-1]
        children = [int(child) for child in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()]
    assert worker != process.pid
    os.kill(worker, signal.SIGKILL)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert errors.endswith("a worker died; only the first 0 jobs are known to have finished\n")
    assert "Traceback" not in errors


def test_cached_responses_while_the_server_is_unavailable(new_server: Server, tmp_path: Path) -> None:
    cache = str(tmp_path / "cache")
    jobs = tmp_path / "jobs"
    jobs.write_text('{"id": "one", "model_type": "llama", "scheme": "fp8"}\n')
    first = farm("--server", new_server.address, "--cache", cache, str(jobs))
    new_server.stop()
    second = farm("--server", new_server.address, "--cache", cache, str(jobs))
    assert second.returncode == 0, second.stderr
    assert first.stdout.splitlines()[0] + " (stale)" == second.stdout.splitlines()[0]
    assert second.stdout.splitlines()[-1] == "1 jobs: 1 done (1 stale), 0 failed"
    third = farm("--server", new_server.address, "--patience", "0", str(jobs))
    assert third.returncode == 1
    assert third.stdout.startswith("one: FAILED, ServerUnavailable: ")


def test_options() -> None:
    run = farm("--workers", "0", JOBS)
    assert run.returncode == 2
    assert "--workers must be positive" in run.stderr


@pytest.mark.skipif(installed_release() is not None, reason="amd-quark is installed")
def test_quantizing_without_quark() -> None:
    run = farm("--quantize", JOBS)
    assert run.returncode == 2
    assert "--quantize requires amd-quark: pip install '.[quark]' in client/python" in run.stderr
