# SPDX-License-Identifier: Apache-2.0
"""The registry's file is damaged between two starts, as by a bad disk: pages, sectors, single bytes, its end, its header.
Give --size-mb 300 for a file that is too large to be looked through at the start."""

import collections
import os
import random
import re
import shutil
import tempfile

import kit

# What is damaged may be refused, at the start or when it is read, but it must never be served as if it were right, nor be
# taken for something that was never written.
WRONG, LOST, CRASHES = 0, 0, 0
ENTRY_MB = 0.01  # of file for each template of 5 KB
OTHERS = 200  # templates that are read in each trial beside those in the damaged place


def fill(server, count):
    """Returns what was written: {(tenant, model_type): message}."""
    truth = {}
    with kit.channel(server.port) as channel:
        write = kit.rpc(channel, "RegisterTemplate")
        for begin in range(0, count, 100):
            calls = [
                (i, write.future(kit.template(f"t{i:06d}", f"m{i:06d}", 50, 100), timeout=20))
                for i in range(begin, min(count, begin + 100))
            ]
            for i, call in calls:
                truth[f"t{i:06d}", f"m{i:06d}"] = call.result().llm_template
    return truth


def damage(path, kind, rng):
    """Returns the templates whose text lies in the damaged place."""
    size, page = os.path.getsize(path), 4096
    with open(path, "r+b") as f:
        at = rng.randrange(1, size // page) * page
        f.seek(at)
        text = f.read(page)
        if kind == "page random":
            new = rng.randbytes(page)
        elif kind == "page zero":
            new = bytes(page)
        elif kind == "sector random":
            new = text[:-512] + rng.randbytes(512)
        elif kind == "bit":
            i = rng.randrange(page)
            new = text[:i] + bytes([text[i] ^ 1 << rng.randrange(8)]) + text[i + 1 :]
        elif kind == "text byte":
            while not (places := [m.start() for m in re.finditer(rb"_x{20}", text)]):
                at = rng.randrange(1, size // page) * page
                f.seek(at)
                text = f.read(page)
            i = rng.choice(places) + 9
            new = text[:i] + b"y" + text[i + 1 :]
        elif kind == "header":
            at, i = 0, rng.randrange(100)
            f.seek(0)
            text = f.read(page)
            new = text[:i] + bytes([text[i] ^ 0xFF]) + text[i + 1 :]
        elif kind == "truncated":
            new = text
            f.truncate(rng.randrange(page, size))
        if kind != "truncated":
            f.seek(at)
            f.write(new)
    return {(f"t{n.decode()}", f"m{n.decode()}") for n in re.findall(rb"m(\d{6})", text)}


KINDS = ["page random", "page zero", "sector random", "bit", "text byte", "header", "truncated"]

if __name__ == "__main__":
    args = kit.arguments(
        **{"size-mb": (2, "size of the file"), "trials": (28, "damaged copies"), "seed": (7, "of the random numbers")}
    )
    rng, results, short = random.Random(args.seed), collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory(prefix="qconfig-attack-") as original:
        with kit.Server(args.binary, args.option, data=original) as server:
            truth = fill(server, int(args.size_mb / ENTRY_MB))
        for n in range(args.trials):
            kind, server = KINDS[n % len(KINDS)], kit.Server(args.binary, args.option)
            shutil.copy(os.path.join(original, "registry.db"), server.database())
            near = damage(server.database(), kind, rng)
            try:
                with server:
                    chosen = {k: truth[k] for k in {*near, *rng.sample(sorted(truth), min(OTHERS, len(truth)))} if k in truth}
                    f = kit.compare(server, chosen)
                    if not server.alive():
                        short[f"{kind}: the server ended"] += 1
                    for what, most in (("wrong", WRONG), ("lost", LOST)):
                        if f[what] > most:
                            short[f"{kind}: {what} answers"] += 1
                    results[f"{kind}: started, {'some refused' if f['refused'] else 'all answered'}"] += 1
            except kit.Refused:
                results[f"{kind}: did not start"] += 1
    kit.report(
        [f"{k} in {n} of {args.trials // len(KINDS)} trials" for k, n in short.items()],
        f"{args.trials} damaged files: no wrong answer",
        results=results,
    )
