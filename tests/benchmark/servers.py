# SPDX-License-Identifier: Apache-2.0
"""Starts qconfigd and the floors, and puts load on them."""

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
NUMBER = "########"  # the load generator replaces this with a number that differs from call to call


def varint(value):
    rest = value >> 7
    return bytes([value & 0x7F | 0x80]) + varint(rest) if rest else bytes([value])


def field(number, value):
    """Returns a string or message field in the Protobuf wire format."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def llama_fp8(*spec_fields):
    """Returns a GetConfigRequest for llama, fp8 and an fp8 KV cache, with additional fields of the spec."""
    return field(19, field(1, "llama") + field(2, "fp8") + field(4, "fp8") + b"".join(spec_fields))


def override(pattern):
    return field(7, field(1, pattern) + field(2, "ptpc_fp8"))


WARM = llama_fp8()
# The same request for builds whose GetConfigRequest has no `spec`. Delete it when no comparison needs such a build.
WARM_WITHOUT_SPEC = field(6, "llama") + field(7, "fp8") + field(9, "fp8")
NEW = override(NUMBER)  # makes every request different, so that no answer is cached


def overrides(count):
    return [override(f"model.layers.{i}.mlp.*") for i in range(count)]


def algorithms(count):
    """Returns a small request with a large answer: it repeats an algorithm."""
    return [field(3, "awq")] * count


def for_many_tenants(request):
    """Returns the request for a different tenant in each call."""
    return field(1, "t" + NUMBER) + request


def new_batch(items):
    """Returns a batch whose answers are never cached, because each call is for a different tenant."""
    return field(1, for_many_tenants(WARM)) * items


def write_file(name, content):
    path = pathlib.Path(FILES.name, name)
    path.write_bytes(content)
    return path


def load(
    server, request, outstanding=1, connections=1, seconds=1.0, warm_up=0.2, method=GET_CONFIG, under=(), **options
):
    """Puts load on the server and returns the load generator's figures.

    `options` are additional options of the load generator. `under` is a command prefix to run it with.
    """
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
    command = [*under, BIN / "load_generator", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    if done.returncode != 0:
        raise RuntimeError(f"load_generator failed: {done.stderr.strip()}")
    return json.loads(done.stdout) if done.stdout else None


def answered(server, request, **options):
    """Calls load(), and raises an error unless every call succeeds."""
    result = load(server, request, **options)
    if result["failed"] or not result["answered"]:
        raise RuntimeError(f"calls to {server.address} failed: {result}")
    return result


def answer_file(server, request, **options):
    """Returns a file with the server's answer. `options` are additional options of the load generator."""
    path = request.with_suffix(".answer")
    load(server, request, save_answer=path, **options)
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


def qconfigd(*arguments, **options):
    """Returns a server with the default options, except for `arguments`, and that its registries are in memory."""
    return Server("--storage", "memory", *arguments, **options)


def start_with_defaults(port, data):
    """Starts the process and returns before it serves."""
    environment = server_environment(QCONFIG_DATA_DIR=data, QCONFIG_LISTEN=f"127.0.0.1:{port}")
    return subprocess.Popen([BIN / "qconfigd"], env=environment, stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def qconfigd_and_floors(request, modes):
    """Yields a dict of servers: qconfigd, and for each name and mode in `modes` a floor that returns its answer."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(qconfigd())
        answer = answer_file(server, request)
        yield {
            **{name: stack.enter_context(Floor(mode, answer)) for name, mode in modes.items()},
            "qconfigd": server,
        }


def benchmarks(effort, program, *arguments):
    """Returns the median CPU time in nanoseconds of each benchmark of a program."""
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
