# SPDX-License-Identifier: Apache-2.0
"""A pool of processes that read jobs from a file and get their configurations, even while the server restarts.

    python examples/farm_worker.py --workers 4 examples/farm_jobs.jsonl

Each line of the file is a job: {"id": ..., "model_type": ..., "scheme": ..., "options": {...}}, where the options are
more arguments of get_config.
Prints one line per job, in the order of the file, and a summary. Exit codes: 0 all jobs succeeded, 1 a job failed, 2
invalid command line or file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Optional

import grpc

import qconfig_client
from qconfig_client.quark import installed_release

UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


@dataclass(frozen=True)
class Outcome:
    line: str
    done: bool
    stale: bool = False


class Worker:
    """The state of a worker process: its client and its options."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.client = qconfig_client.connect(
            options.server, tenant=options.tenant, catalog=options.catalog, cache_dir=options.cache
        )
        self.patience: float = options.patience
        self.quantize: bool = options.quantize

    def run(self, text: str) -> Outcome:
        name = "?"
        try:
            job = json.loads(text)
            name = str(job["id"])
            config = self.get_config(name, job)
            line = f"{name}: {job['model_type']} {job['scheme']} {config.digest[:12]}"
            if config.stale:
                line += " (stale)"
            if self.quantize:
                from tiny_llama import quantize

                line += f"; {quantize(job['model_type'], config)}"
            return Outcome(line, done=True, stale=config.stale)
        except Exception as error:  # a failed job must not stop the farm
            return Outcome(f"{name}: FAILED, {type(error).__name__}: {error}", done=False)

    def get_config(self, name: str, job: dict[str, object]) -> qconfig_client.Config:
        """The client retries a call for about a second. A restart of the server may take longer."""
        deadline = time.monotonic() + self.patience
        while True:
            try:
                return self.client.get_config(job["model_type"], job["scheme"], **job.get("options", {}))  # type: ignore
            except qconfig_client.QConfigError as error:
                if error.code not in UNAVAILABLE or time.monotonic() > deadline:
                    raise
                print(f"{name}: waiting for the server: {error}", file=sys.stderr, flush=True)
                time.sleep(0.5)


_worker: Optional[Worker] = None


def start_worker(options: argparse.Namespace) -> None:
    global _worker
    _worker = Worker(options)


def run_job(text: str) -> Outcome:
    assert _worker is not None
    return _worker.run(text)


def run_all(jobs: Iterable[str], options: argparse.Namespace) -> Iterator[Outcome]:
    """Yields the outcomes in the order of the jobs. Limits the number of jobs that are queued in the pool."""
    with ProcessPoolExecutor(options.workers, initializer=start_worker, initargs=(options,)) as pool:
        running: deque[Future[Outcome]] = deque()
        for job in jobs:
            running.append(pool.submit(run_job, job))
            if len(running) >= 4 * options.workers:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()


def main() -> int:
    parser = argparse.ArgumentParser(description="Gets the configurations of all jobs in a file.")
    parser.add_argument("jobs", help="file with one JSON object per line")
    parser.add_argument("--server", default="localhost:50051")
    parser.add_argument("--tenant", default="")
    parser.add_argument("--catalog", help="default: the installed amd-quark's, or else the tenant's; '': the tenant's")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--patience", type=float, default=60, help="seconds that a job waits for an unavailable server")
    parser.add_argument("--cache", metavar="FOLDER", help="cache responses for when the server is unavailable")
    parser.add_argument("--quantize", action="store_true", help="quantize a tiny Llama; requires amd-quark and torch")
    options = parser.parse_args()
    if options.workers < 1:
        parser.error("--workers must be positive")
    if options.quantize and installed_release() is None:
        parser.error("--quantize requires amd-quark: pip install '.[quark]' in client/python")

    try:
        with open(options.jobs, encoding="utf-8") as file:
            jobs = [line for line in file if line.strip()]
    except OSError as error:
        print(f"{options.jobs}: {error.strerror}", file=sys.stderr)
        return 2

    total = done = stale = 0
    try:
        for outcome in run_all(jobs, options):
            print(outcome.line, flush=True)
            total += 1
            done += outcome.done
            stale += outcome.stale
    except BrokenProcessPool:
        print(f"a worker died; only the first {total} jobs are known to have finished", file=sys.stderr)
        return 1
    print(f"{total} jobs: {done} done ({stale} stale), {total - done} failed")
    return 0 if total == done else 1


if __name__ == "__main__":
    sys.exit(main())
