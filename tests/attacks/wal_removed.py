# SPDX-License-Identifier: Apache-2.0
"""The files beside the registry are removed or cut while it is served; the server goes on, is killed, and starts again."""

import os

import grpc

import kit

# What is acknowledged after the damage must be there after a crash; refusing writes, reads or the start is right as well.
# Earlier writes are counted, but what somebody has cut off no server can bring back.
LOST, WRONG = 0, 0
WRITES = 20  # before the damage, and as many after it
DAMAGE = {
    "nothing": [],
    "-wal removed": ["-wal"],
    "-shm removed": ["-shm"],
    "both removed": ["-wal", "-shm"],
    "-wal cut to nothing": ["-wal"],
    "-shm cut to nothing": ["-shm"],  # ends the server, whose SQLite has mapped it
    "-shm zeroed": ["-shm"],
}


def trial(args, what):
    truth, refused = {}, 0
    with kit.Server(args.binary, args.option) as server:
        with kit.channel(server.port) as channel:
            write = kit.rpc(channel, "RegisterTemplate")
            for i in range(2 * WRITES):
                if i == WRITES:
                    for suffix in DAMAGE[what]:
                        if "cut" in what:
                            os.truncate(server.database(suffix), 0)
                        elif "zeroed" in what:
                            with open(server.database(suffix), "r+b") as file:
                                file.write(bytes(os.path.getsize(file.name)))
                        else:
                            os.remove(server.database(suffix))
                try:
                    truth["t", f"m{i}"] = write(kit.template("t", f"m{i}", 5, 50), timeout=5).llm_template
                except grpc.RpcError:
                    refused += 1
        server.kill()
        try:
            server.start()
        except kit.Refused as e:
            return {"acknowledged": len(truth) - WRITES, "writes_refused": refused, "start": f"refused: {e}"}
        earlier = {k: truth.pop(k) for k in list(truth)[:WRITES]}
        return {
            "acknowledged": len(truth),
            "writes_refused": refused,
            **kit.compare(server, truth),
            "lost_earlier": kit.compare(server, earlier)["lost"],
        }


if __name__ == "__main__":
    args, figures, short = kit.arguments(), {}, []
    for what in DAMAGE:
        f = figures[what] = trial(args, what)
        if f.get("lost", 0) > LOST:
            short.append(f"{what}: {f['lost']} of {f['acknowledged']} writes lost that were acknowledged afterwards")
        if f.get("wrong", 0) > WRONG:
            short.append(f"{what}: {f['wrong']} answers are wrong")
    kit.report(short, f"0 lost in {len(DAMAGE)} trials", trials=figures)
