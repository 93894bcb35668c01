# SPDX-License-Identifier: Apache-2.0
"""Measures qconfigd and the floors in the same rounds, and compares the figures with the goals."""

import contextlib
import dataclasses
import os
import pathlib
import statistics
import subprocess
import sys

from first_answer import milliseconds_to_first_answer
from servers import (
    BATCH_GET_CONFIG,
    BIN,
    FILES,
    GET_CONFIG,
    NEW,
    WARM,
    Server,
    algorithms,
    answered,
    benchmarks,
    write_file,
    for_many_tenants,
    llama_fp8,
    load,
    new_batch,
    qconfigd,
    qconfigd_and_floors,
)

FLOOR, SECOND_FLOOR = "raw bytes, one queue", "the same again (A/A)"
FLOORS = {
    FLOOR: "raw-queue",
    SECOND_FLOOR: "raw-queue",
    "the same, gRPC set as in qconfigd": "raw-queue-as-qconfigd",
    "raw bytes, callbacks": "raw-callback",
    "typed, callbacks": "typed-callback",
}
OUTSTANDING = [64, 1]
MEASURES = {"CPU": "server_cpu_us_per_call", "calls/s": "calls_per_s", "p50": "p50_us", "p99": "p99_us"}
OVERLOAD = 10
MAX_IN_FLIGHT = 256  # qconfigd's default


@dataclasses.dataclass
class Effort:
    """How long to measure."""

    rounds: int
    seconds: float  # for each server in each round
    benchmark_seconds: float
    repetitions: int
    starts: int
    overload_seconds: float
    tenants: int = 100_000


FULL = Effort(rounds=15, seconds=0.6, benchmark_seconds=0.5, repetitions=5, starts=20, overload_seconds=4)
QUICK = Effort(
    rounds=5, seconds=0.4, benchmark_seconds=0.1, repetitions=5, starts=8, overload_seconds=2.5, tenants=10_000
)
SMOKE = Effort(
    rounds=1, seconds=0.05, benchmark_seconds=0.001, repetitions=2, starts=2, overload_seconds=0.2, tenants=1_000
)


def log(line):
    print(line, file=sys.stderr, flush=True)


def spread(values, digits=2):
    """Returns the median and the range of the middle half of the values."""
    if len(values) < 2:
        return f"{values[0]:.{digits}f}"
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def run_rounds(effort):
    """Returns the figures of each round, by number of outstanding calls and server."""
    results = {outstanding: {} for outstanding in OUTSTANDING}
    request = write_file("warm", WARM)
    for number in range(effort.rounds):
        log(f"round {number + 1} of {effort.rounds}")
        with qconfigd_and_floors(request, FLOORS) as servers:
            names = list(servers)
            for outstanding in OUTSTANDING:
                for i in range(len(names)):
                    name = names[(i + number) % len(names)]
                    result = answered(
                        *(servers[name], request),
                        outstanding=outstanding,
                        seconds=effort.seconds,
                        warm_up=effort.seconds / 4,
                    )
                    results[outstanding].setdefault(name, []).append(result)
    return {outstanding: {name: of_count[name] for name in names} for outstanding, of_count in results.items()}


def ratios(of_count, name, measure):
    """Returns the ratios to the floor of the same round."""
    key = MEASURES[measure]
    return [own[key] / floor[key] for own, floor in zip(of_count[name], of_count[FLOOR])]


def rounds_tables(results):
    lines = []
    for outstanding, of_count in results.items():
        lines += [
            f"{outstanding} outstanding on one connection, as ratios to the first row in the same round:",
            "",
            "| Server | CPU of a call | CPU | calls/s | p50 | p99 |",
            "|---|---:|---:|---:|---:|---:|",
        ]
        for name, rows in of_count.items():
            absolute = statistics.median(row[MEASURES["CPU"]] for row in rows)
            cells = [f"{absolute:.1f} µs"]
            for measure in MEASURES:
                key = MEASURES[measure]
                value = statistics.median(row[key] for row in rows)
                cells.append(f"{value:,.0f}" if name == FLOOR else spread(ratios(of_count, name, measure)))
            if name == FLOOR:
                cells[1] = "1"
                cells[3] += " µs"
                cells[4] += " µs"
            lines.append(f"| {name} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def goodput(effort, request, method):
    """Returns the rate of successful calls during overload, relative to capacity.

    Also returns the rate of calls relative to capacity. README.md explains both.
    """
    with qconfigd() as server:

        def at_capacity():
            result = load(
                *(server, request),
                method=method,
                outstanding=4 * os.cpu_count(),
                connections=2,
                seconds=effort.overload_seconds,
                warm_up=effort.overload_seconds / 2,  # lets the server finish cancelled calls
            )
            return result["calls_per_s"]

        before = at_capacity()
        deadline = max(2, 3 * MAX_IN_FLIGHT / before)
        overloaded = load(
            *(server, request),
            method=method,
            rate=OVERLOAD * before,
            deadline_ms=round(1000 * deadline),
            outstanding=20_000,
            connections=20,
            seconds=effort.overload_seconds,
            warm_up=min(1.2 * deadline, 4 * effort.overload_seconds),  # until calls finish at the rate at which they start
        )
        capacity = statistics.mean([before, at_capacity()])
        log(f"capacity {capacity:.0f} calls/s; deadline {deadline:.1f} s; overloaded: {overloaded}")
        return overloaded["calls_per_s"] / capacity, overloaded["begun"] / overloaded["seconds"] / capacity


def lookup(effort):
    """Returns the CPU time of calls for many tenants, relative to that of calls to a server with one tenant."""
    request = write_file("tenant", for_many_tenants(WARM))
    with contextlib.ExitStack() as stack:
        servers = {}
        for tenants in (1, effort.tenants):
            log(f"a server of {tenants:,} tenants")
            path = pathlib.Path(FILES.name, f"{tenants}.db")
            subprocess.run([BIN / "registry_benchmark", "--fill", path, str(tenants)], check=True)
            storage = f"sqlite:{path}"
            all_in_memory = str(64 << 30)
            servers[tenants] = stack.enter_context(
                Server("--storage", storage, "--cache-bytes", all_in_memory, "--answer-cache-bytes", "0")
            )

        def call_all(tenants, seconds):
            return answered(servers[tenants], request, outstanding=64, numbers=tenants, seconds=seconds)

        seconds = effort.seconds
        while call_all(effort.tenants, seconds)["answered"] < effort.tenants:  # until all tenants are in memory
            seconds *= 2
        return [
            call_all(effort.tenants, effort.seconds)[MEASURES["CPU"]] / call_all(1, effort.seconds)[MEASURES["CPU"]]
            for _ in range(effort.rounds)
        ]


def row(what, goal, values, unit="", at_most=True, digits=2):
    met = statistics.median(values) <= goal if at_most else statistics.median(values) >= goal
    sign = "<=" if at_most else ">="
    return f"| {what} | {sign} {goal:g}{unit} | {spread(values, digits)}{unit} | {'yes' if met else '**no**'} |"


def goals_table(effort, results):
    log("the core's benchmarks")
    cold = benchmarks(effort, "core_benchmark", "--benchmark_filter=BM_ResolveAndSerialize")
    llama = cold["BM_ResolveAndSerialize/llama_fp8_kv_cache"] / 1e3
    qwen = cold["BM_ResolveAndSerialize/qwen2_moe_int4_awq"] / 1e3
    log(f"a registry of {effort.tenants:,} tenants")
    select = f"--benchmark_filter=BM_Lookup(Same)?/tenants/(1|{effort.tenants})$"
    in_process = benchmarks(effort, "registry_benchmark", "--many", select)
    same = in_process[f"BM_LookupSame/tenants/{effort.tenants}"] / in_process["BM_LookupSame/tenants/1"]
    other = in_process[f"BM_Lookup/tenants/{effort.tenants}"] / in_process["BM_Lookup/tenants/1"]
    calls = lookup(effort)
    log("starts")
    starts = milliseconds_to_first_answer(GET_CONFIG, WARM, effort.starts)
    log("overload")
    large, large_load = goodput(effort, write_file("large", llama_fp8(*algorithms(1_000), NEW)), GET_CONFIG)
    batch, batch_load = goodput(effort, write_file("batch", new_batch(200)), BATCH_GET_CONFIG)
    warm = {
        (outstanding, measure): ratios(of_count, "qconfigd", measure)
        for outstanding, of_count in results.items()
        for measure in MEASURES
    }
    return [
        "| What | Goal | Measured | Met |",
        "|---|---:|---:|---|",
        row("warm GetConfig at 64 outstanding / floor: CPU of a call", 1.10, warm[64, "CPU"]),
        row("the same: calls/s", 0.95, warm[64, "calls/s"], at_most=False),
        row("warm GetConfig at 1 outstanding / floor: p50", 1.10, warm[1, "p50"]),
        row("the same: CPU of a call", 1.25, warm[1, "CPU"]),
        row("cold resolve and serialize, llama fp8 with KV cache: CPU", 6, [llama], " µs", digits=1),
        row("the same, qwen2_moe int4_wo_128 with awq", 15, [qwen], " µs", digits=1),
        row(f"lookup of one tenant among {effort.tenants:,} / of the only one", 1.1, [same]),
        row("the same, a different tenant in each call: CPU of a call whose answer is not cached", 1.1, calls),
        row("the same: the lookup alone, which misses the processor's caches", 1.1, [other]),
        row("exec to first answer over gRPC", 50, starts, " ms", digits=0),
        row(f"goodput at {large_load:.1f}x overload / capacity: large GetConfigs", 0.8, [large], at_most=False),
        row(f"goodput at {batch_load:.1f}x overload / capacity: batches of 200", 0.8, [batch], at_most=False),
    ]


def measure(effort):
    """Returns the lines of a report."""
    results = run_rounds(effort)
    return [*goals_table(effort, results), "", *rounds_tables(results)]
