# SPDX-License-Identifier: Apache-2.0
"""Measures how costs grow with the load, the size of requests and answers, and the size of registries."""

import contextlib
import dataclasses
import pathlib
import statistics

from goals import log
from plot import line_plot
from servers import (
    NEW,
    WARM,
    Floor,
    algorithms,
    answer_file,
    answered,
    benchmarks,
    write_file,
    llama_fp8,
    overrides,
    qconfigd,
)

HERE = pathlib.Path(__file__).resolve().parent
CPU = "server_cpu_us_per_call"


@dataclasses.dataclass
class Effort:
    rounds: int
    seconds: float  # for each point in each round
    benchmark_seconds: float
    repetitions: int
    tenants: list
    powers: int  # requests have 1 to 10**powers overrides


FULL = Effort(rounds=3, seconds=0.5, benchmark_seconds=0.2, repetitions=5, tenants=[1, 1_000, 100_000], powers=4)
QUICK = Effort(rounds=1, seconds=0.3, benchmark_seconds=0.02, repetitions=2, tenants=[1, 1_000, 100_000], powers=4)
SMOKE = Effort(rounds=1, seconds=0.03, benchmark_seconds=0.001, repetitions=2, tenants=[1, 1_000], powers=1)


@dataclasses.dataclass
class Figure:
    """A table with a row for each x, and a plot of its columns."""

    name: str
    title: str
    x_label: str
    y_label: str
    columns: dict  # name -> {x: y}
    more: dict = dataclasses.field(default_factory=dict)  # text columns, which are not in the plot

    def lines(self):
        columns = {**self.columns, **self.more}
        xs = list(next(iter(columns.values())))
        result = [
            f"### {self.title}",
            "",
            f"![{self.title}]({self.name}.svg)",
            "",
            f"| {self.x_label} | {' | '.join(columns)} |",
            "|---:" * (len(columns) + 1) + "|",
        ]
        for x in xs:
            cells = [printed(column[x]) if x in column else "" for column in columns.values()]
            result.append(f"| {x:,} | {' | '.join(cells)} |")
        return [*result, ""]

    def svg(self):
        series = {name: list(column.items()) for name, column in self.columns.items()}
        return line_plot(self.title, self.x_label, self.y_label, series)


def printed(value):
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def sweep(effort, points):
    """Returns medians by name and x. `points` has a server, a request and options of load() for each x and name."""
    results = {}
    for _ in range(effort.rounds):
        for x, by_name in points.items():
            for name, (server, request, options) in by_name.items():
                result = answered(server, request, seconds=effort.seconds, warm_up=effort.seconds / 5, **options)
                results.setdefault(name, {}).setdefault(x, []).append(result)
    return {
        name: {
            x: {key: statistics.median(row[key] for row in rows) for key in (CPU, "calls_per_s", "p50_us", "p99_us")}
            for x, rows in by_x.items()
        }
        for name, by_x in results.items()
    }


def pick(results, key):
    return {name: {x: values[key] for x, values in by_x.items()} for name, by_x in results.items()}


def rates(results):
    """Adds the columns that are only in the table."""
    columns = {}
    for name, by_x in results.items():
        columns[f"{name}: calls/s"] = {x: f"{values['calls_per_s']:,.0f}" for x, values in by_x.items()}
        columns[f"{name}: p50, p99 µs"] = {x: f"{v['p50_us']:,.0f}, {v['p99_us']:,.0f}" for x, v in by_x.items()}
    return columns


def load_figures(effort):
    """Measures concurrency and connections."""
    request = write_file("warm", WARM)
    with qconfigd() as server, Floor("raw-queue", answer_file(server, request)) as floor:

        def points(options_of):
            return {
                x: {"qconfigd": (server, request, options), "floor": (floor, request, options)}
                for x, options in options_of.items()
            }

        log("concurrency")
        by_calls = sweep(
            effort,
            points({count: {"outstanding": count, "connections": min(count, 4)} for count in (1, 4, 16, 64, 192)}),
        )
        log("connections")
        by_connections = sweep(
            effort, points({count: {"outstanding": 64, "connections": count} for count in (1, 4, 16, 64)})
        )
    return [
        Figure(
            *("concurrency", "Concurrency: warm GetConfig, up to 4 connections", "calls outstanding"),
            *("server CPU of a call, µs", pick(by_calls, CPU), rates(by_calls)),
        ),
        Figure(
            *("connections", "Connections: warm GetConfig, 64 outstanding in all", "connections"),
            *("server CPU of a call, µs", pick(by_connections, CPU), rates(by_connections)),
        ),
    ]


def size_figures(effort):
    """Measures overrides and answers."""
    counts = [10**power for power in range(effort.powers + 1)]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(qconfigd())
        log("overrides")
        options = {"outstanding": 4}
        by_overrides = sweep(
            effort,
            {
                count: {
                    "cached": (server, write_file(f"old-{count}", llama_fp8(*overrides(count))), options),
                    "not cached": (server, write_file(f"new-{count}", llama_fp8(*overrides(count - 1), NEW)), options),
                }
                for count in counts
            },
        )
        log("answers")
        points = {}
        for count in counts:
            request = write_file(f"answer-{count}", llama_fp8(*algorithms(count)))
            answer = answer_file(server, request)
            floor = stack.enter_context(Floor("raw-queue", answer))
            points[answer.stat().st_size] = {
                "qconfigd": (server, request, options),
                "floor": (floor, request, options),
            }
        by_size = sweep(effort, points)
    return [
        Figure(
            *("overrides", "Overrides: GetConfig, 4 outstanding", "patterns in a request"),
            *("server CPU of a call, µs", pick(by_overrides, CPU)),
        ),
        Figure(
            *("answers", "Answers: warm GetConfig, 4 outstanding", "bytes of an answer"),
            *("server CPU of a call, µs", pick(by_size, CPU), rates(by_size)),
        ),
    ]


def registry_figures(effort):
    """Measures tenants and entries, in process."""
    log("registries")
    select = f"/({'|'.join(str(count) for count in effort.tenants)})$"
    filters = {
        "registry_benchmark": f"BM_(Lookup(Same)?/tenants{select}|FindScheme|Write)",
        "store_benchmark": f"BM_Load_Sqlite(/tenants{select}|_Entries)",
    }
    times = {}
    for program, names in filters.items():
        times.update(benchmarks(effort, program, "--many", f"--benchmark_filter={names}"))

    def column(prefix):
        return {
            int(name.rsplit("/", 1)[1]): nanoseconds / 1e3
            for name, nanoseconds in times.items()
            if name.startswith(prefix + "/")
        }

    return [
        Figure(
            *("tenants", "Tenants of 20 entries, in process", "tenants", "CPU, µs"),
            {
                "look up the same": column("BM_LookupSame/tenants"),
                "look up another": column("BM_Lookup/tenants"),
                "load from SQLite": column("BM_Load_Sqlite/tenants"),
            },
        ),
        Figure(
            *("entries", "Entries of a tenant, in process", "entries", "CPU, µs"),
            {
                "find one": column("BM_FindScheme/schemes"),
                "two writes": column("BM_Write/schemes"),
                "load from SQLite": column("BM_Load_Sqlite_Entries"),
            },
        ),
    ]


def measure(effort, plots=False):
    """Returns the lines of a report. With `plots`, also writes the plots."""
    lines = []
    for figure in [*load_figures(effort), *size_figures(effort), *registry_figures(effort)]:
        lines += figure.lines()
        svg = figure.svg()
        if plots:
            (HERE / f"{figure.name}.svg").write_text(svg)
    return lines
