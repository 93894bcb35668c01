# SPDX-License-Identifier: Apache-2.0
"""Against a server that asks for certificates, by callers who have none: TLS handshakes as fast as they can, and 3,000
connections that never begin one."""

import socket
import threading
import time

import kit

# Who has no certificate must not be felt by those who have one: the common goals hold.
GOALS = kit.GOALS
THREADS, SILENT = 4, 3000


def handshakes(target, seconds):
    until, made, context = time.monotonic() + seconds, [0] * THREADS, kit.tls()

    def work(number):
        while time.monotonic() < until:
            try:
                with (
                    socket.create_connection(("127.0.0.1", target.port), 3) as plain,
                    context.wrap_socket(plain, server_hostname="localhost") as s,
                ):
                    s.recv(1)
            except OSError:
                pass
            made[number] += 1

    threads = [threading.Thread(target=work, args=(i,)) for i in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {"handshakes": sum(made)}


def silent(target, seconds):
    until, sockets = time.monotonic() + seconds, []
    while time.monotonic() < until:
        try:
            if len(sockets) < SILENT:
                sockets.append(socket.create_connection(("127.0.0.1", target.port), 3))
            else:
                time.sleep(0.05)
        except OSError:
            time.sleep(0.05)
    return {"connections": len(sockets)}


if __name__ == "__main__":
    kit.main(handshakes, silent, goals=GOALS, mtls=True)
