# SPDX-License-Identifier: Apache-2.0
"""Starts qconfigd and the floors, and calls them."""

import contextlib
import json
import pathlib
import select
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/e2e"))

from programs import BIN, Server, server_environment  # noqa: E402

PROGRAMS = ["qconfigd", "floor_server", "load_generator", "core_benchmark", "registry_benchmark", "store_benchmark"]
FILES = tempfile.TemporaryDirectory(prefix="qconfig-benchmark-")
GET_CONFIG = "/qconfig.v1.ConfigService/GetConfig"
BATCH_GET_CONFIG = "/qconfig.v1.ConfigService/BatchGetConfig"
NUMBER = "########"  # the load generator puts a number here, another one in each call


def field(number, value):
    """A text or a message on the wire of Protocol Buffers."""
    value = value.encode() if isinstance(value, str) else value
    length, rest = bytearray(), len(value)
    while rest > 0x7F:
        length.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([number << 3 | 2, *length, rest]) + value


def override(pattern):
    return field(12, field(1, pattern) + field(2, "ptpc_fp8"))


LLAMA_FP8 = field(6, "llama") + field(7, "fp8") + field(9, "fp8")  # with KV cache


NEW = override(NUMBER)  # what makes each request another one


def with_overrides(count):
    return LLAMA_FP8 + b"".join(override(f"model.layers.{i}.mlp.*") for i in range(count))


def with_algorithms(count):
    """LLAMA_FP8 with so many configurations of an algorithm, which make a large answer to a small request."""
    return LLAMA_FP8 + field(8, "awq") * count


def new_batch(items):
    """A batch that nobody asked for before: each call is for another tenant."""
    return field(1, field(1, "t" + NUMBER) + LLAMA_FP8) * items


def file_of(name, content):
    path = pathlib.Path(FILES.name, name)
    path.write_bytes(content)
    return path


def load(server, request, outstanding=1, connections=1, seconds=1.0, warm_up=0.2, method=GET_CONFIG, **options):
    """Calls the server and returns what the load generator says; `options` are more of its options."""
    options = {
        "target": server.address,
        "server-pid": server.process.pid,
        "method": method,
        "request": request,
        "outstanding": outstanding,
        "connections": connections,
        "seconds": seconds,
        "warm-up": warm_up,
        **{name.replace("_", "-"): value for name, value in options.items()},
    }
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    done = subprocess.run([BIN / "load_generator", *words], stdout=subprocess.PIPE, check=True, timeout=300)
    return json.loads(done.stdout) if done.stdout else None


def answered(server, request, **options):
    """As load(), and every call is to succeed."""
    result = load(server, request, **options)
    if result["failed"] or not result["answered"]:
        raise RuntimeError(f"{server.address} failed: {result}")
    return result


def answer_file(server, request):
    """A file with the server's answer."""
    path = request.with_suffix(".answer")
    load(server, request, save_answer=path)
    return path


class Floor:
    """A server that returns stored bytes."""

    def __init__(self, mode, answer):
        self.process = subprocess.Popen(
            [BIN / "floor_server", "--mode", mode, "--answer", answer], stdout=subprocess.PIPE, text=True
        )
        ready = select.select([self.process.stdout], [], [], 30)[0]
        self.address = f"127.0.0.1:{int(self.process.stdout.readline() if ready else '')}"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def qconfigd(*arguments):
    """With the defaults, but that it forgets its registries."""
    return Server("--storage", "memory", *arguments)


def start_with_defaults(port, data):
    """A process that may not serve yet."""
    environment = server_environment(QCONFIG_DATA_DIR=data, QCONFIG_LISTEN=f"127.0.0.1:{port}")
    return subprocess.Popen([BIN / "qconfigd"], env=environment, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def qconfigd_and_floors(request, modes):
    """A dict of servers: qconfigd, and a floor that has its answer for each of `modes`, a dict of names and modes."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(qconfigd())
        answer = answer_file(server, request)
        yield {
            **{name: stack.enter_context(Floor(mode, answer)) for name, mode in modes.items()},
            "qconfigd": server,
        }


def benchmarks(effort, program, *arguments):
    """CPU time in nanoseconds of each benchmark of a program, the median of some."""
    command = [
        BIN / program,
        *arguments,
        f"--benchmark_min_time={effort.benchmark_seconds}",
        f"--benchmark_repetitions={effort.repetitions}",
        "--benchmark_report_aggregates_only=true",
        "--benchmark_format=json",
    ]
    results = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout)
    scale = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}
    return {
        row["run_name"]: row["cpu_time"] * scale[row["time_unit"]]
        for row in results["benchmarks"]
        if row.get("aggregate_name") == "median"
    }
