# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments while six writers write; they send doubtful writes again with the same request_id."""

import random
import threading
import time
import uuid

import grpc

import kit

# request_id promises exactly once, and an answer promises that the write is kept, whatever happens to the process.
LOST, DUPLICATES, GAPS = 0, 0, 0
TENANTS, WRITERS = ["ka", "kb", "kc"], 6
AGAIN = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)


def writer(number, port, stop, acknowledged, sent, figures):
    tenant, n = TENANTS[number % len(TENANTS)], 0
    with kit.channel(port) as channel:
        write = kit.rpc(channel, "RegisterTemplate")
        while not stop.is_set():
            request, n, tries = kit.template(tenant, f"w{number}-{n}", 40, 30), n + 1, 0
            request.request_id = str(uuid.uuid4())
            sent[tenant].add(request.request_id)
            while tries < 500:  # each doubtful write is brought to its end, also after the last kill
                tries += 1
                try:
                    acknowledged[tenant][request.request_id] = write(request, timeout=3).revision
                    break
                except grpc.RpcError as e:
                    if e.code() not in AGAIN:
                        figures["other_errors"].append(f"{e.code().name}: {e.details()}"[:100])
                        break
                    time.sleep(0.01)
            figures["acknowledged_on_a_retry"] += tries > 1


def changes(channel, tenant):
    P, token, out = kit.pb(), "", []
    while True:
        page = kit.rpc(channel, "ListChanges")(P.ListChangesRequest(tenant=tenant, page_size=1000, page_token=token), timeout=20)
        out += page.changes
        token = page.next_page_token
        if not token:
            return out


if __name__ == "__main__":
    args, stop, rng = kit.arguments(seconds=12), threading.Event(), random.Random(1)
    acknowledged, sent = {t: {} for t in TENANTS}, {t: set() for t in TENANTS}
    figures = {
        "kills": 0,
        "acknowledged": 0,
        "acknowledged_on_a_retry": 0,
        "lost": 0,
        "duplicates": 0,
        "never_sent": 0,
        "gaps": 0,
        "other_errors": [],
    }
    with kit.Server(args.binary, ["history-changes=1000000", *args.option]) as server:
        threads = [
            threading.Thread(target=writer, args=(i, server.port, stop, acknowledged, sent, figures), daemon=True)
            for i in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        until = time.monotonic() + args.seconds
        while time.monotonic() < until:
            time.sleep(rng.uniform(0.05, 0.4))
            server.kill()
            if figures["kills"] % 5 == 0:  # also while it starts
                server.start(wait=0)
                time.sleep(rng.uniform(0.02, 0.1))
                server.kill()
            server.start()
            figures["kills"] += 1
        stop.set()
        for thread in threads:
            thread.join(20)
        with kit.channel(server.port) as channel:
            for tenant in TENANTS:
                made = changes(channel, tenant)
                revisions = {c.request_id: c.revision for c in made}
                figures["acknowledged"] += len(acknowledged[tenant])
                figures["lost"] += sum(revisions.get(k) != v for k, v in acknowledged[tenant].items())
                figures["duplicates"] += len(made) - len(revisions)
                figures["never_sent"] += len(revisions.keys() - sent[tenant])
                figures["gaps"] += sum(a.revision - b.revision != 1 for a, b in zip(made, made[1:]))
    short = [
        f"{what}: {figures[what]}"
        for what, most in (("lost", LOST), ("duplicates", DUPLICATES), ("never_sent", 0), ("gaps", GAPS))
        if figures[what] > most
    ]
    if not all(acknowledged.values()):
        short.append("a tenant has no acknowledged write at all")
    if figures["other_errors"]:
        short.append(f"a writer got {figures['other_errors'][0]}")
    kit.report(
        short,
        f"{figures['kills']} kills, {figures['acknowledged']} acknowledged ({figures['acknowledged_on_a_retry']} on a retry), 0 lost, 0 twice",
        **figures,
    )
