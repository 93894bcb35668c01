# SPDX-License-Identifier: Apache-2.0
"""Not an attack: what busy tenants with different numbers of callers get, and the goodput at ten times the load."""

import asyncio
import time

import kit
from kit.honest import SPAWN

# Each of n busy tenants gets at least SHARE of an n-th; overload leaves GOODPUT of the capacity.
SHARE, GOODPUT = 0.8, 0.8
OVERRIDES = 4500  # about 40 ms of one processor; the request is too large for the cache of answers
PATIENCE = 2.0  # of callers


def _call(pipe, start, port, requests, count, seconds, timeout):
    """Sends how many calls were answered in the `seconds` after all crowds are ready; later answers do not count."""

    async def main():
        import grpc

        stub = kit.rpc(kit.channel(port, True), "GetConfig")
        start.wait()
        answered, until = 0, time.monotonic() + seconds

        async def caller(i):
            nonlocal answered
            while time.monotonic() < until:
                try:
                    await stub(requests[i % len(requests)], timeout=timeout)
                    answered += time.monotonic() < until
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.01)
                i += 1

        _, running = await asyncio.wait([asyncio.create_task(caller(i)) for i in range(count)], timeout=seconds)
        for task in running:
            task.cancel()
        return answered

    pipe.send(asyncio.run(main()))


def answered(port, crowds, seconds, timeout=20.0):
    """Calls a second that were answered for each crowd, which is a list of requests and a number of callers."""
    calls, start = [], SPAWN.Barrier(len(crowds))
    for requests, count in crowds:
        mine, theirs = SPAWN.Pipe()
        args = (theirs, start, port, requests, count, seconds, timeout)
        calls.append((mine, SPAWN.Process(target=_call, args=args, daemon=True)))
    for _, process in calls:
        process.start()
    ends = [mine.recv() for mine, _ in calls]
    for _, process in calls:
        process.join()
    return [end / seconds for end in ends]


def main():
    args = kit.arguments(seconds=16)
    part = args.seconds / 4
    with kit.Server(args.binary, args.option) as server:

        def request(tenant):
            message = kit.overrides(tenant, OVERRIDES)
            message.if_digest = digest
            return message.SerializeToString()

        with kit.channel(server.port) as channel:
            digest = kit.rpc(channel, "GetConfig")(kit.overrides("warm", OVERRIDES), timeout=20).config_digest
        (capacity,) = answered(server.port, [([request("alone")], 6)], part)
        crowds = [([request("many")], 60), ([request("some")], 12), ([request("few")], 6)]
        shares = answered(server.port, crowds, part)
        (one,) = answered(server.port, [([request("one")], 60)], part, PATIENCE)
        (hundred,) = answered(server.port, [([request(f"t{i}") for i in range(100)], 60)], part, PATIENCE)
        time.sleep(0.1)
    fairest = sum(shares) / len(shares)
    short = [f"a tenant gets {s / fairest:.2f} of its share" for s in shares if s < SHARE * fairest]
    short += [f"goodput with {n} is {g / capacity:.2f} of the capacity" for n, g in (("one tenant", one), ("a hundred", hundred)) if g < GOODPUT * capacity]
    key = f"shares {', '.join(f'{s / fairest:.2f}' for s in shares)}; goodput {one / capacity:.2f} and {hundred / capacity:.2f}"
    kit.report(short, key, capacity=capacity, shares=shares, goodput=[one, hundred])


if __name__ == "__main__":
    main()
