# SPDX-License-Identifier: Apache-2.0
"""More connections that say nothing than the server may have open files."""

import resource
import socket
import time

import kit

# Being out of descriptors must end nothing: callers who are connected are served, and the process stays up. New callers
# may have to wait while all descriptors are taken, so "fresh" counts only after the attack.
GOALS = kit.GOALS
KINDS = [kind for kind in kit.KINDS if kind != "fresh"]
OPEN_FILES = 256  # 1,024 is what a login shell gives; with 256 the same happens sooner


def silent(target, seconds):
    until, sockets, refused = time.monotonic() + seconds, [], 0
    while time.monotonic() < until and refused < 20:
        try:
            if len(sockets) < OPEN_FILES + 100:
                sockets.append(socket.create_connection(("127.0.0.1", target.port), 1))
            else:
                time.sleep(0.1)
        except OSError:
            refused += 1
            time.sleep(0.1)
    return {"connections": len(sockets), "refused": refused}


if __name__ == "__main__":
    kit.main(silent, goals=GOALS, kinds=KINDS, limits={resource.RLIMIT_NOFILE: OPEN_FILES})
