# SPDX-License-Identifier: Apache-2.0
"""Compares two builds of qconfigd, or two ways of calling one build, in the same rounds."""

import contextlib
import dataclasses
import hashlib
import statistics

import instructions
from goals import FLOOR, MEASURES, log, spread
from servers import BIN, WARM, WARM_WITHOUT_SPEC, Floor, answer_file, answered, write_file, qconfigd

BEFORE, AGAIN, NOW = "before", "before, a second process (A/A)", "now"
TOKEN = "qct_" + 43 * "x"
POLICY = f"""version: 1
principals:
  caller:
    tokens: [{{sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}]
    grants: [{{role: reader, tenants: [default]}}]
"""
COMPARED = ["CPU", "calls/s"]
INSTRUCTIONS = "instructions"


@dataclasses.dataclass
class Effort:
    """How long to measure."""

    rounds: int
    seconds: float  # for each server, twice in each round
    instruction_counts: int  # for each server
    calls: int  # in each count of instructions


FULL = Effort(rounds=25, seconds=0.4, instruction_counts=3, calls=4_000)
QUICK = Effort(rounds=15, seconds=0.2, instruction_counts=1, calls=1_000)
SMOKE = Effort(rounds=1, seconds=0.05, instruction_counts=1, calls=100)


class Build:
    """A qconfigd, the warm request that it accepts, and its answer. With `token`, its callers send one."""

    def __init__(self, name, program, token=False):
        self.program = program
        self.load_options = {"token": TOKEN} if token else {}
        self.policy = ["--auth-policy", write_file("policy.yaml", POLICY.encode())] if token else []
        errors = []
        with self.start() as server:
            for number, request in enumerate([WARM, WARM_WITHOUT_SPEC]):
                self.request = write_file(f"{name}-{number}", request)
                try:
                    self.answer = answer_file(server, self.request, **self.load_options)
                    return
                except RuntimeError as error:
                    errors.append(str(error))
        raise RuntimeError(f"{program} accepts no form of the request: {'; '.join(errors)}")

    def start(self, under=(), **options):
        return qconfigd(*self.policy, command=[*under, self.program], **options)

    def sizes(self):
        return f"{self.request.stat().st_size} and {self.answer.stat().st_size:,} bytes"


def run_round(effort, builds, number):
    """Starts all servers and returns the figures of each: the means of two turns.

    The second turn has the opposite order, so that a machine that gets slower or faster favors no build.
    """
    order = [FLOOR, *builds]
    order = order[number % len(order) :] + order[: number % len(order)]
    turns = {name: [] for name in order}
    with contextlib.ExitStack() as stack:
        servers = {}
        for name in order:
            server = Floor("raw-queue", builds[NOW].answer) if name == FLOOR else builds[name].start()
            servers[name] = stack.enter_context(server)
        for name in [*order, *reversed(order)]:
            build = builds[NOW if name == FLOOR else name]
            options = {"outstanding": 64, "seconds": effort.seconds, "warm_up": effort.seconds / 4}
            turns[name].append(answered(servers[name], build.request, **options, **build.load_options))
    return {
        name: {measure: statistics.mean(turn[MEASURES[measure]] for turn in both) for measure in COMPARED}
        for name, both in turns.items()
    }


def count_instructions(effort, builds, tool):
    """Returns the instructions of a call for each server, from several starts."""
    rounds = []
    for number in range(effort.instruction_counts):
        log(f"{tool}, {number + 1} of {effort.instruction_counts}")
        counts = {name: instructions.per_call(tool, build, effort.calls) for name, build in builds.items()}
        rounds.append({name: {INSTRUCTIONS: count} for name, count in counts.items()})
    return rounds


def values(rounds, name, measure):
    return [servers[name][measure] for servers in rounds]


def ratios(rounds, name, measure):
    """Returns the ratios to the other build in the same round."""
    return [servers[name][measure] / servers[BEFORE][measure] for servers in rounds]


def verdict(results, tolerance, what):
    """Returns the verdict. `results` has the rounds of each measure."""
    medians = {
        name: {measure: statistics.median(ratios(rounds, name, measure)) for measure, rounds in results.items()}
        for name in (AGAIN, NOW)
    }
    figures = ", ".join(f"{measure} {ratio:.3f}" for measure, ratio in medians[NOW].items())
    if any(abs(ratio - 1) > 0.03 for ratio in medians[AGAIN].values()):
        return f"**Undecided**: two processes of the same build differ by more than 3 %. Ratios: {figures}."
    slower = [measure for measure, ratio in medians[NOW].items() if is_worse(measure, ratio, tolerance)]
    if slower:
        return f"**Not within {tolerance:.0%}** of {what}, because of {' and '.join(slower)}. Ratios: {figures}."
    return f"**Within {tolerance:.0%}** of {what}. Ratios: {figures}."


def is_worse(measure, ratio, tolerance):
    return ratio < 1 - tolerance if measure == "calls/s" else ratio > 1 + tolerance


def table(results, names):
    titles = {"CPU": "CPU of a call", "calls/s": "calls/s", INSTRUCTIONS: "instructions of a call"}
    header = " | ".join(f"{titles[measure]} | / before" for measure in results)
    lines = [f"| Server | {header} |", "|---|" + "---:|" * (2 * len(results))]
    for name in names:
        cells = []
        for measure, rounds in results.items():
            if name not in rounds[0]:
                cells += ["", ""]
                continue
            absolute = statistics.median(values(rounds, name, measure))
            cells.append(f"{absolute:.1f} µs" if measure == "CPU" else f"{absolute:,.0f}")
            cells.append("1" if name == BEFORE else spread(ratios(rounds, name, measure), 3))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def measure(effort, program):
    """Returns the lines of a report that compares this build with the build of `program`."""
    builds = Build("before", program), Build("now", BIN / "qconfigd")
    return report(effort, *builds, tolerance=0.03, what="the build before")


def measure_token(effort):
    """Returns the lines of a report that compares calls with a policy and a token (now) with calls without (before).

    The goal is for the CPU of a call, which includes the kernel's part. Instructions are those of the program alone.
    """
    builds = Build("open", BIN / "qconfigd"), Build("token", BIN / "qconfigd", token=True)
    what = "calls without a policy and a token"
    return report(effort, *builds, tolerance=0.05, what=what, judged=["CPU"])


def report(effort, before, now, tolerance, what, judged=(*COMPARED, INSTRUCTIONS)):
    builds = {BEFORE: before, AGAIN: before, NOW: now}
    rounds = []
    for number in range(effort.rounds):
        log(f"round {number + 1} of {effort.rounds}")
        rounds.append(run_round(effort, builds, number))
    results = {measure: rounds for measure in COMPARED}
    tool = instructions.find_tool()
    if tool:
        results[INSTRUCTIONS] = count_instructions(effort, builds, tool)
    counted = f"counted by {tool}" if tool else "not counted (perf stat does not work, valgrind is not installed)"
    return [
        f"Warm calls, 64 outstanding on one connection, {effort.rounds} rounds. "
        f"Request and answer: {before.sizes()} before, {now.sizes()} now. Instructions of a call: {counted}.",
        "",
        *table(results, [FLOOR, *builds]),
        "",
        verdict({measure: results[measure] for measure in judged if measure in results}, tolerance, what),
    ]
