# SPDX-License-Identifier: Apache-2.0
"""Runs attacks and says whether the goals hold."""

import argparse
import asyncio
import collections
import json
import os
import resource
import signal
import sys
import time

from .goals import GOALS, KINDS
from .honest import CALL_TIMEOUT, Honest, SPAWN, UNDER_WAY, lying_seconds, shortfalls, summary
from .messages import certificates, channel, make_stubs, pb, rpc
from .server import Server


LOOK = 0.6  # seconds of calls by which "as before" is judged


def arguments(seconds=8, **more):
    parser = argparse.ArgumentParser(
        description=sys.modules["__main__"].__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", required=True, help="the server to attack")
    parser.add_argument(
        "--option", action="append", default=[], metavar="NAME=VALUE", help="an option of the server, without --; repeatable"
    )
    parser.add_argument("--seconds", type=float, default=seconds, help="how long the attack lasts; default %(default)s")
    parser.add_argument(
        "--proto", default=os.environ.get("QCONFIG_PROTO", "proto"), help="directory of the .proto files; default: proto"
    )
    parser.add_argument(
        "--patient", action="store_true", help="accept slow answers, for busy machines: calls must succeed within 2 s"
    )
    for name, (default, text) in more.items():
        parser.add_argument(f"--{name}", type=type(default), default=default, help=f"{text}; default %(default)s")
    args = parser.parse_args()
    args.binary = os.path.abspath(args.binary)
    if not os.access(args.binary, os.X_OK):
        parser.error(f"{args.binary} is no program")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended
    make_stubs(args.proto)
    return args


def _attacking(pipe, attack, target, seconds):
    os.nice(10)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    pipe.send(attack(target, seconds) or {})


def under(attack, server, honest, before, seconds, goals, kinds):
    """Runs one attack and returns its figures; their "falls_short" is empty when all goals hold."""
    rss, short = server.memory(), []
    server.forget_peak()
    mine, theirs = SPAWN.Pipe()
    process = SPAWN.Process(target=_attacking, args=(theirs, attack, server.target(), seconds), daemon=True)
    begin = time.monotonic()
    process.start()
    theirs.close()
    try:
        did = mine.recv() if mine.poll(seconds + 20) else {"error": "the attack did not end in time"}
    except EOFError:
        did = {"error": "the attack broke off"}
    end = time.monotonic()
    process.kill()
    process.join()
    peak, recovered, allowed = server.memory("VmHWM"), None, goals["recovery_s"]
    while recovered is None and server.alive() and time.monotonic() < end + allowed + LOOK + 0.25:
        time.sleep(0.25)
        since = max(end, time.monotonic() - LOOK - 0.25)  # calls of the last quarter of a second may still be under way
        latest = summary(honest.between(since, since + LOOK)) if time.monotonic() > end + LOOK + 0.25 else None
        if latest and not shortfalls(before, latest, goals, KINDS)[0] and not latest["readyz"]["failed"]:
            recovered = round(since - end, 2)
    samples = honest.between(begin, end)
    while any(s[3] == UNDER_WAY for s in samples) and time.monotonic() < end + CALL_TIMEOUT + 0.5:
        time.sleep(0.1)
        samples = honest.between(begin, end)
    during, lies = summary(samples), lying_seconds(samples, kinds)
    if not server.alive():
        short.append(f"the server ended with {server.process.returncode}: {server.log_end()}")
    felt, key = shortfalls(before, during, goals, kinds)
    short += felt
    if peak - rss > goals["rss_mb"]:
        short.append(f"memory grew by {peak - rss:.0f} MB of {goals['rss_mb']} allowed")
    if lies > goals["lying_s"]:
        short.append(f"/readyz said ok in {lies} seconds in which honest calls failed")
    if recovered is None and server.alive():
        short.append(f"not as before {allowed} s after the attack")
    if "error" in did:
        short.append(did["error"])
    return {
        "seconds": round(end - begin, 1),
        "did": did,
        "during": during,
        "rss_mb": [round(rss), round(peak)],
        "lying_s": lies,
        "recovered_s": recovered,
        "falls_short": short,
        "key": f"{key}, memory +{max(0, peak - rss):.0f} MB",
    }


def main(*attacks, goals=GOALS, setup=None, check=None, limits=None, kinds=KINDS, mtls=False, seconds=8):
    """Attacks a fresh server with each function in turn, prints one JSON line, and exits: 0 when all goals hold, else 1.

    setup(server) prepares the server before anything is measured. check(server, did) returns sentences on goals of the
    script's own. `kinds`: the honest calls that must succeed while the attack runs; afterwards all must. `mtls`: the server
    asks for certificates.
    """
    args = arguments(seconds)
    if args.patient:
        goals = {**goals, **dict.fromkeys(("p99_ms", "p99_floor_ms", "sync_floor_ms"), CALL_TIMEOUT * 1000)}
    if mtls:
        args.option += [
            f"tls-cert={certificates()}/server.crt",
            f"tls-key={certificates()}/server.key",
            f"tls-client-ca={certificates()}/ca.crt",
        ]
    with Server(args.binary, args.option, limits) as server:
        if setup:
            setup(server)
        with Honest(server) as honest:
            time.sleep(3.5)
            before, figures, short = summary(honest.between(time.monotonic() - 2.7, time.monotonic() - 0.2)), {}, []
            short += [
                f"without any attack {kind}: {f['failed']} of {f['calls']} calls failed"
                for kind, f in before.items()
                if f["failed"] or not f["calls"]
            ]
            for attack in attacks:
                if figures:  # what the attack before has left in memory is not this one's
                    server.stop()
                    server.start()
                    time.sleep(1)
                f = figures[attack.__name__] = under(
                    attack, server, honest, before, max(2.0, args.seconds / len(attacks)), goals, kinds
                )
                if check and server.alive() and "error" not in f["did"]:
                    f["falls_short"] = check(server, f["did"]) + f["falls_short"]
                short += [f"{attack.__name__}: {s}" if len(attacks) > 1 else s for s in f["falls_short"]]
                if not server.alive():
                    break
        report(
            short,
            "; ".join(f["key"] for f in figures.values()) if len(attacks) == 1 else "all of " + ", ".join(figures),
            before=before,
            attacks=figures,
        )


def report(short, key, **figures):
    """Prints the line that `run` reads, and exits. `key` is what to say when nothing falls short."""
    name = os.path.splitext(os.path.basename(sys.argv[0]))[0]
    print(json.dumps({"attack": name, "holds": not short, "key": short[0] if short else key, "falls_short": short, **figures}))
    sys.stdout.flush()
    raise SystemExit(1 if short else 0)


def compare(server, truth):
    """Reads each template of {(tenant, model_type): message} and counts the answers: right, wrong, lost (as if it had never
    been written) or refused (any other error)."""
    import grpc

    counts, P = {"right": 0, "wrong": 0, "lost": 0, "refused": 0}, pb()
    with channel(server.port) as chan:
        read = rpc(chan, "GetTemplate")
        for (tenant, model_type), template_ in truth.items():
            try:
                counts[
                    "right"
                    if read(P.GetTemplateRequest(tenant=tenant, model_type=model_type), timeout=5).llm_template == template_
                    else "wrong"
                ] += 1
            except grpc.RpcError as e:
                counts["lost" if e.code() == grpc.StatusCode.NOT_FOUND else "refused"] += 1
    return counts


def callers(port, method, requests, count, seconds, timeout=20.0, once=False):
    """`count` callers at once, each calling again when it has its answer (or `once`). Returns how often which end came."""

    async def main():
        import grpc

        ends, until = collections.Counter(), time.monotonic() + seconds
        stubs = [rpc(channel(port, True), method) for _ in range(count // 90 + 1)]
        serialized = [r if isinstance(r, bytes) else r.SerializeToString() for r in requests]

        async def caller(i):
            n = i
            while time.monotonic() < until:
                left = max(0.1, min(timeout, until + 1 - time.monotonic()))
                try:
                    await stubs[i % len(stubs)](serialized[n % len(serialized)], timeout=left)
                    ends["OK"] += 1
                except grpc.aio.AioRpcError as e:
                    ends[f"{e.code().name}: {(e.details() or '')[:60]}"] += 1
                    await asyncio.sleep(0.01)
                n += 1
                if once:
                    break

        await asyncio.gather(*(caller(i) for i in range(count)))
        return dict(ends.most_common(5))

    return asyncio.run(main())
