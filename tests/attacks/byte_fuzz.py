# SPDX-License-Identifier: Apache-2.0
"""Random, mutated and damaged messages to every method, from 40 callers."""

import asyncio
import collections
import random
import time

import kit

# Whatever bytes come, the answer is a configuration or a reasoned refusal; INTERNAL and UNKNOWN are what bugs look like.
CRASHES, INTERNAL_OR_UNKNOWN, UNREADABLE = 0, 0, 0
CALLERS = 40
WORDS = [
    "",
    "default",
    "t0",
    "t1",
    "llama",
    "qwen2_moe",
    "deepseek_v3",
    "fp8",
    "int8",
    "mxfp4",
    "nvfp4",
    "awq",
    "gptq",
    "rotation",
    "smoothquant",
    "Linear",
    "*",
    "*mlp*",
    "lm_head",
    "[!a]*",
    "[",
    "quark-0.12.post1",
    "quark-0.13",
    "Int4PerGroupSpec",
    "PerTensorMinMaxObserver",
    "first_layer",
    "\0",
    "é\U0001f600",
    "a" * 129,
]
INTEGERS = [0, 1, 2, 3, 127, 128, 1000, 10000, 2**31 - 1]
DOUBLES = [0.0, -0.0, 1.0, 0.25, float("nan"), float("inf"), -float("inf"), 1e308, 5e-324]
EVIL = [
    b"\xff" * 10,
    b"\x80" * 11 + b"\x01",
    b"\0",
    b"\x7f",
    b"\xff\xff\xff\xff\x0f",
    b"\x0b" * 200,
    b"\x0c",
    b"\xc3\x28",
    b"\xed\xa0\x80",
    b"\x0a\x80\x80\x80\x80\x08",
]


def fill(m, rng, depth=0):
    """Sets about half of the fields at random, to words that mean something where they can."""
    for f in m.DESCRIPTOR.fields:
        repeated = f.is_repeated if hasattr(f, "is_repeated") else f.label == f.LABEL_REPEATED
        if rng.random() > (0.45 if depth < 5 else 0.1) or depth > 8 or f.name == "min_revision":
            continue
        if f.message_type and f.message_type.GetOptions().map_entry:
            try:
                getattr(m, f.name)[rng.choice(WORDS)] = rng.choice(WORDS)
            except (TypeError, ValueError):
                pass
        elif f.message_type and repeated:
            for _ in range(rng.randint(0, 3)):
                fill(getattr(m, f.name).add(), rng, depth + 1)
        elif f.message_type:
            getattr(m, f.name).SetInParent()
            fill(getattr(m, f.name), rng, depth + 1)
        else:
            value = {
                f.CPPTYPE_STRING: rng.choice(WORDS),
                f.CPPTYPE_BOOL: rng.random() < 0.5,
                f.CPPTYPE_DOUBLE: rng.choice(DOUBLES),
                f.CPPTYPE_ENUM: rng.choice(f.enum_type.values).number if f.enum_type else 0,
            }.get(f.cpp_type, rng.choice(INTEGERS))
            if repeated:
                getattr(m, f.name).append(value)
            else:
                setattr(m, f.name, value)
    return m


def mutate(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 2, 8])):
        i, do = rng.randint(0, len(data)), rng.randrange(5)
        if do == 0 and data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        elif do == 1:
            data[i:i] = rng.randbytes(rng.randint(1, 8))
        elif do == 2:
            del data[i : i + rng.randint(1, 8)]
        elif do == 3:
            data[i:i] = rng.choice(EVIL)
        else:
            data[i:i] = data[:i][:500]
    return bytes(data)


async def fuzz(port, seconds, ends, bad):
    import grpc

    P, rng, until = kit.pb(), random.Random(5), time.monotonic() + seconds
    names = [name for name in P.method if hasattr(P, P.method[name][1].__name__)]

    async def caller(number):
        async with kit.channel(port, aio=True) as channel:
            while time.monotonic() < until:
                name = rng.choice(names)
                request, how = fill(P.method[name][1](), rng), rng.random()
                data = (
                    request.SerializeToString()
                    if how < 0.4
                    else mutate(request.SerializeToString(), rng)
                    if how < 0.9
                    else rng.randbytes(rng.randint(0, 300))
                )
                try:
                    answer = P.method[name][2].FromString(await channel.unary_unary(P.method[name][0])(data, timeout=5))
                    ends["OK"] += 1
                    if any(r.HasField("error") and r.error.code in (2, 13) for r in getattr(answer, "result", [])):
                        bad.append(f"{name} item: {data.hex()[:400]}")
                except grpc.aio.AioRpcError as e:
                    ends[e.code().name] += 1
                    if e.code().name in ("INTERNAL", "UNKNOWN"):
                        bad.append(f"{name} {e.code().name} {e.details()[:80]}: {data.hex()[:400]}")
                except Exception as e:
                    bad.append(f"{name} unreadable answer {type(e).__name__}: {data.hex()[:400]}")

    await asyncio.gather(*(caller(i) for i in range(CALLERS)))


if __name__ == "__main__":
    args, ends, bad = kit.arguments(seconds=12), collections.Counter(), []
    with kit.Server(args.binary, args.option) as server:
        asyncio.run(fuzz(server.port, args.seconds, ends, bad))
        short = [f"{len(bad)} bad answers, such as {bad[0][:160]}"] if len(bad) > INTERNAL_OR_UNKNOWN + UNREADABLE else []
        if not server.alive():
            short.append(f"the server ended: {server.log_end()}")
    kit.report(short, f"{ends.total()} inputs, 0 crashes, 0 INTERNAL or UNKNOWN", ends=dict(ends), bad=bad[:10])
