# SPDX-License-Identifier: Apache-2.0
"""Runs a Docker daemon for the tests, separate from the machine's own: it has its own data, bridge and addresses.

As a program, `tests/e2e/containers.py COMMAND...` runs COMMAND with a `docker` that talks to this daemon.
"""

import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zlib

from programs import ROOT

DOCKER = "/usr/bin/docker"  # not another client that comes earlier on PATH
BASE = "debian:bookworm-slim"
NEEDED = [DOCKER, "/usr/sbin/dockerd", "/usr/bin/docker-compose", "/usr/bin/mmdebstrap"]
# Keeps images and build cache between runs. All worktrees share it, so that a clone builds only what has changed.
HOME = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "qconfig-docker"
BASE_ARCHIVE = HOME / "debian-bookworm-slim.tar"

# Each worktree on a machine has its own addresses, from the range that is reserved for benchmarks (RFC 2544).
_NUMBER = zlib.crc32(str(ROOT).encode()) % 512
BRIDGE = f"qconfig{_NUMBER}"
POOL = f"198.{18 + _NUMBER // 256}.{_NUMBER % 256}"
FIREWALL = [
    ("filter", "FORWARD", "-s", f"{POOL}.0/24", "-j", "ACCEPT"),
    ("filter", "FORWARD", "-d", f"{POOL}.0/24", "-j", "ACCEPT"),
    ("nat", "POSTROUTING", "-s", f"{POOL}.0/24", "!", "-d", f"{POOL}.0/24", "-j", "MASQUERADE"),
]


def skip_without_docker():
    """Exits as skipped if no daemon can run here; in CI, exits as failed."""
    missing = [path for path in NEEDED if not os.path.exists(path)]
    why = f"no {', '.join(missing)}" if missing else "needs root" if os.geteuid() != 0 else ""
    if why:
        print(f"{'cannot run' if os.environ.get('CI') else 'skipped'}: {why}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 77)


def run(*command, check=True, **options):
    """Runs a command. A failure raises an error with its output."""
    options = {"capture_output": True, "text": True, "timeout": 600, **options}
    result = subprocess.run([str(word) for word in command], **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{command} failed with exit code {result.returncode}:\n{result.stdout}{result.stderr}")
    return result


def wait_until(condition, what, seconds=60):
    """Calls `condition` until its result is true, and returns the result."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"timed out after {seconds} s waiting for: {what}")
        time.sleep(0.1)
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A running dockerd that has the base image. Only one runs at a time; others wait."""

    def __enter__(self):
        HOME.mkdir(parents=True, exist_ok=True)
        self._lock = open(HOME / "lock", "w")
        # The daemon inherits the lock, so the next one waits until it ends.
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"waiting for another run that uses {HOME}", file=sys.stderr, flush=True)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        # The path of a socket has at most 107 characters, and the path of a build tree may be longer.
        self._sockets = tempfile.TemporaryDirectory(prefix="qconfig-docker-")
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("DOCKER_", "COMPOSE_", "QCONFIG_"))},
            "DOCKER_HOST": f"unix://{self._sockets.name}/docker.sock",
            "DOCKER_BUILDKIT": "1",
            "COMPOSE_DOCKER_CLI_BUILD": "1",
            "DOCKER_CONFIG": f"{self._sockets.name}/config",
            "PATH": f"{self._sockets.name}/bin:" + os.environ["PATH"],
        }
        os.mkdir(f"{self._sockets.name}/bin")
        os.symlink(DOCKER, f"{self._sockets.name}/bin/docker")
        try:
            self._open_network()
            self._start()
            # Left by a killed run, perhaps of another clone.
            for container in self.docker("ps", "--all", "--quiet").stdout.split():
                self.docker("rm", "--force", "--volumes", container)
            for left in ("network", "volume"):
                for name in self.docker(left, "ls", "--quiet", "--filter", "name=qconfig").stdout.split():
                    self.docker(left, "rm", name)
            if self.docker("image", "inspect", BASE, check=False).returncode != 0:
                self.docker("import", "--change", 'CMD ["bash"]', base_archive(), BASE)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        try:
            if process := getattr(self, "_process", None):
                process.terminate()
                process.wait(60)
        finally:
            self._close_network()
            self._sockets.cleanup()
            self._lock.close()

    def docker(self, *arguments, **options):
        return run(DOCKER, *arguments, env=self.environment, **options)

    def build(self, tag="qconfig", **arguments):
        """Builds the image from this tree."""
        words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        started = time.monotonic()
        self.docker("build", "--tag", tag, "--file", ROOT / "deploy/Dockerfile", *words, ROOT, timeout=1800)
        self.docker("image", "prune", "--force")  # the one that had the tag before
        self.docker("builder", "prune", "--force", "--keep-storage", "10GB")
        print(f"built the image in {time.monotonic() - started:.0f} s", file=sys.stderr)

    def _start(self):
        with open(HOME / "dockerd.log", "w") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig=TERM"),  # the daemon ends when the test is killed
                    "/usr/sbin/dockerd",
                    f"--host={self.environment['DOCKER_HOST']}",
                    f"--pidfile={self._sockets.name}/pid",
                    f"--exec-root={self._sockets.name}/exec",
                    f"--data-root={HOME / 'data'}",
                    f"--bridge={BRIDGE}",
                    f"--default-address-pool=base={POOL}.0/24,size=28",
                    "--iptables=false",  # would clear the chains of the machine's own daemon
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock.fileno()],
                start_new_session=True,  # Ctrl-C goes to the test, which then stops the daemon
            )
        deadline = time.monotonic() + 60
        while self.docker("version", check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("dockerd did not start:\n" + (HOME / "dockerd.log").read_text()[-4000:])
            try:
                self._process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass

    def _open_network(self):
        self._close_network()  # left by a killed run
        run("ip", "link", "add", BRIDGE, "type", "bridge")
        run("ip", "address", "add", f"{POOL}.1/28", "dev", BRIDGE)
        run("ip", "link", "set", BRIDGE, "up")
        for table, chain, *rule in FIREWALL:
            run("iptables", "-w", "-t", table, "-I", chain, *rule)

    def _close_network(self):
        for table, chain, *rule in FIREWALL:
            while run("iptables", "-w", "-t", table, "-D", chain, *rule, check=False).returncode == 0:
                pass
        run("ip", "link", "delete", BRIDGE, check=False)


def base_archive():
    """Returns an archive of the base image, which is created once because images cannot be pulled everywhere."""
    if not BASE_ARCHIVE.exists():
        unfinished = BASE_ARCHIVE.with_suffix(".unfinished.tar")
        without = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"]
        run(
            "/usr/bin/mmdebstrap",
            "--variant=minbase",
            "--mode=root",
            # Without this hook, the package that merges /usr would install Perl.
            "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
            "--include=usr-is-merged",
            *(f"--dpkgopt=path-exclude={path}" for path in without),
            "--dpkgopt=path-include=/usr/share/doc/*/copyright",
            "bookworm",
            unfinished,
        )
        shutil.move(unfinished, BASE_ARCHIVE)
    return BASE_ARCHIVE


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    skip_without_docker()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the daemon and its network are removed
    with Daemon() as daemon:
        sys.exit(subprocess.run(sys.argv[1:], env=daemon.environment).returncode)
