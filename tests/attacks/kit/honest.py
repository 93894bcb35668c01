# SPDX-License-Identifier: Apache-2.0
"""The callers of two small tenants that nobody attacks, and what they feel."""

import asyncio
import collections
import multiprocessing
import os
import time

from .goals import KINDS
from .messages import channel, config_request, pb, rpc, scheme


CALL_TIMEOUT = 2.0
UNDER_WAY = "no answer"
SPAWN = multiprocessing.get_context("spawn")


class Honest:
    """Callers of two small tenants that nobody attacks. They call at a fixed rate, whether answers come or not."""

    def __init__(self, server):
        self.pipe, theirs = SPAWN.Pipe()
        self.process = SPAWN.Process(target=_watch, args=(theirs, server.port, server.admin), daemon=True)
        self.process.start()
        theirs.close()
        self.pipe.recv()  # it has begun

    def between(self, begin, end=None):
        """What began in that time: a list of [kind, when, milliseconds, error]."""
        self.pipe.send((begin, end or time.monotonic()))
        return self.pipe.recv()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.pipe.close()
        self.process.join(3)
        if self.process.is_alive():
            self.process.kill()


def _watch(pipe, port, admin):
    asyncio.run(_watching(pipe, port, admin))


async def _watching(pipe, port, admin):
    import grpc

    samples, tasks, P = [], set(), pb()
    new = lambda n: config_request(
        tenant="honest", model_type="llama", scheme="fp8", layer_config=[P.LayerConfigEntry(pattern=f"*new{n}", scheme="int8")]
    )
    calls = {
        "cached": ("GetConfig", lambda n: config_request(tenant="honest", model_type="llama", scheme="fp8")),
        "new": ("GetConfig", new),
        "list": ("ListSchemes", lambda n: P.ListSchemesRequest(tenant="honest", page_size=20)),
        "write": ("RegisterScheme", lambda n: scheme("honest-writer", f"s{n}")),
    }
    stubs = {kind: (rpc(channel(port, True), method), make) for kind, (method, make) in calls.items()}

    async def on_old_connection(kind, n):
        stub, make = stubs[kind]
        await stub(make(n), timeout=CALL_TIMEOUT)

    async def on_new_connection(kind, n):
        async with channel(port, True) as own:
            await rpc(own, "GetConfig")(calls["cached"][1](n), timeout=CALL_TIMEOUT)

    async def readiness(kind, n):
        async def ask():
            reader, writer = await asyncio.open_connection("127.0.0.1", admin)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            line = await reader.readline()
            writer.close()
            return line

        line = await asyncio.wait_for(ask(), 1)
        if b" 200 " not in line:
            raise OSError(line.decode(errors="replace").strip() or "no answer")

    async def one(do, kind, n):
        sample = [kind, time.monotonic(), None, UNDER_WAY]
        samples.append(sample)
        try:
            await do(kind, n)
            error = ""
        except grpc.aio.AioRpcError as e:
            error = f"{e.code().name}: {(e.details() or '')[:80]}"
        except (OSError, asyncio.TimeoutError) as e:
            error = f"{type(e).__name__}: {e}"
        sample[2:] = [(time.monotonic() - sample[1]) * 1e3, error]

    async def every(interval, offset, do, kind):
        n, due = 0, time.monotonic() + offset
        while True:
            await asyncio.sleep(due - time.monotonic())
            task = asyncio.create_task(one(do, kind, n))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
            n, due = n + 1, max(due + interval, time.monotonic() - 0.5)

    loops = [asyncio.create_task(every(0.025, i * 0.006, on_old_connection, kind)) for i, kind in enumerate(stubs)]
    loops += [
        asyncio.create_task(every(0.25, 0.007, on_new_connection, "fresh")),
        asyncio.create_task(every(0.1, 0.031, readiness, "readyz")),
    ]
    pipe.send("begun")
    try:
        while True:
            if pipe.poll():
                begin, end = pipe.recv()
                pipe.send([s for s in samples if begin <= s[1] < end])
            await asyncio.sleep(0.02)
    except (EOFError, OSError):
        os._exit(0)


def percentile(values, share):
    """Of few values never one of the two largest: that many calls of a kind meet one hiccup of the machine."""
    values = sorted(values)
    return round(values[max(0, min(len(values) - 3, int(len(values) * share)))], 2) if values else None


def summary(samples):
    figures = {}
    for kind in (*KINDS, "readyz"):
        mine = [s for s in samples if s[0] == kind]
        good = [s[2] for s in mine if not s[3]]
        errors = collections.Counter(s[3] for s in mine if s[3])
        figures[kind] = {
            "calls": len(mine),
            "failed": len(mine) - len(good),
            "p50_ms": percentile(good, 0.5),
            "p99_ms": percentile(good, 0.99),
        }
        if errors:
            figures[kind]["errors"] = dict(errors.most_common(2))
    return figures


def lying_seconds(samples, kinds):
    """Seconds in which at least half of the calls of one kind failed although each look at /readyz found ok."""
    seconds = collections.defaultdict(lambda: collections.defaultdict(list))
    for kind, began, _, error in samples:
        seconds[int(began)][kind].append(bool(error))
    return sum(
        1
        for of in seconds.values()
        if of["readyz"] and not any(of["readyz"]) and any(of[k] and 2 * sum(of[k]) >= len(of[k]) for k in kinds)
    )


def shortfalls(before, now, goals, kinds):
    """Sentences on what honest callers feel and must not, and the p99 that is nearest to what is allowed or beyond."""
    short, worst = [], (0.0, "")
    for kind in kinds:
        f, floor = now[kind], goals["sync_floor_ms" if kind == "write" else "p99_floor_ms"]
        limit = min(goals["p99_ms"], max(goals["p99_times"] * (before[kind]["p99_ms"] or 0), floor))
        if f["failed"] > max(1, (1 - goals["success"]) * f["calls"]):
            short.append(f"{kind}: {f['failed']} of {f['calls']} calls failed ({next(iter(f['errors']))})")
        elif f["p99_ms"] and kind != "fresh":  # too few of those for a p99
            text = f"{kind} p99 {f['p99_ms']:.0f} ms of {limit:.0f} allowed"
            worst = max(worst, (f["p99_ms"] / limit, text))
            if f["p99_ms"] > limit:
                short.append(text)
    return short, worst[1]
