# SPDX-License-Identifier: Apache-2.0
"""The machine's clock jumps by an hour and by 410 days, forwards and back, while the server runs. The clock is that of a
small library that the script compiles with `cc` and preloads; the machine's own is left alone."""

import collections
import os
import subprocess
import tempfile
import time

import grpc

import kit

# Deadlines are about time that passes, not about the date; and a wrong date for a minute must not delete history that is
# promised for 400 days. The server stops as fast as ever: an idle one needs 0.1 s.
SUCCESS, FIRST_REVISION, STOP_S = 0.99, 1, 5
HOUR, LONG = 3600, 410 * 86400
JUMPS = [HOUR, 0, -HOUR, 0, HOUR, -HOUR, LONG, 0]  # seconds beside the right time, one after the other
SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static volatile long *offset;
static int (*real)(clockid_t, struct timespec *);
__attribute__((constructor)) static void begin(void) {
  int file = open(getenv("CLOCK_OFFSET_FILE"), O_RDONLY);
  offset = file < 0 ? 0 : mmap(0, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  real = dlsym(RTLD_NEXT, "clock_gettime");
}
int clock_gettime(clockid_t clock, struct timespec *t) {
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(clock, t);
  if (offset && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) t->tv_sec += *offset;
  return result;
}
int gettimeofday(struct timeval *t, void *zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  t->tv_sec = now.tv_sec, t->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *t) { struct timeval now; gettimeofday(&now, 0); return t ? (*t = now.tv_sec) : now.tv_sec; }
"""


def calls(channel):
    """Reads and writes for a second."""
    ends, until = collections.Counter(), time.monotonic() + 1
    read, write = kit.rpc(channel, "GetConfig"), kit.rpc(channel, "RegisterTemplate")
    while time.monotonic() < until:
        ends["read " + kit.outcome(read, kit.config_request(tenant="t", model_type="llama", scheme="fp8"), timeout=2)] += 1
        ends["write " + kit.outcome(write, kit.template("t", f"m{ends.total()}", 2, 50), timeout=2)] += 1
        time.sleep(0.02)
    return ends


if __name__ == "__main__":
    args, figures, short = kit.arguments(), [], []
    with tempfile.TemporaryDirectory(prefix="qconfig-attack-") as directory:
        library, file = os.path.join(directory, "clock.so"), os.path.join(directory, "offset")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-x", "c", "-", "-o", library, "-ldl"], input=SHIM.encode(), check=True)
        with open(file, "wb") as f:
            f.write(bytes(8))
        with (
            kit.Server(args.binary, args.option, environment={"LD_PRELOAD": library, "CLOCK_OFFSET_FILE": file}) as server,
            kit.channel(server.port) as channel,
        ):
            calls(channel)
            for jump in JUMPS:
                with open(file, "r+b") as f:
                    f.write(jump.to_bytes(8, "little", signed=True))
                ends, ok = (e := calls(channel)), e["read OK"] + e["write OK"]
                figures.append({"clock": jump, "ends": dict(ends)})
                if not server.alive():
                    short.append(f"clock {jump:+} s: the server ended: {server.log_end()}")
                    break
                if ok < SUCCESS * ends.total():
                    short.append(
                        f"clock {jump:+} s: {ends.total() - ok} of {ends.total()} calls failed ({next(e for e in ends if 'OK' not in e)})"
                    )
            first, until = None, time.monotonic() + 10
            while first is None and server.alive() and time.monotonic() < until:
                try:
                    first = kit.rpc(channel, "ListChanges")(
                        kit.pb().ListChangesRequest(tenant="t", page_size=1), timeout=2
                    ).first_revision
                except grpc.RpcError:
                    time.sleep(0.2)
            if first is None:
                short.append("no ListChanges succeeded in the 10 s after the last jump")
            elif first > FIRST_REVISION:
                short.append(f"history before revision {first} is gone after {LONG // 86400} days that did not pass")
            stopping = time.monotonic()
            server.stop()
            stop_s = round(time.monotonic() - stopping, 1)
            if stop_s > STOP_S:
                short.append(f"the server took {stop_s} s to stop, of {STOP_S} allowed")
    kit.report(short, f"{len(JUMPS)} jumps, all calls answered, history whole", jumps=figures, stop_s=stop_s)
