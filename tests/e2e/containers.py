# SPDX-License-Identifier: Apache-2.0
"""A Docker daemon for the tests, apart from one that the machine may have: its own data, bridge and addresses.

As a program: tests/e2e/containers.py COMMAND... runs COMMAND with `docker` being a client of that daemon.
"""

import fcntl
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zlib

from programs import ROOT

DOCKER = "/usr/bin/docker"  # another client may stand before it on PATH
BASE = "debian:bookworm-slim"
NEEDED = [DOCKER, "/usr/sbin/dockerd", "/usr/bin/docker-compose", "/usr/bin/mmdebstrap"]
HOME = ROOT / "build/docker"  # images and build cache last from one run to the next
BASE_ARCHIVE = ROOT / "build/tools/debian-bookworm-slim.tar"

# Worktrees on one machine differ in the addresses, which are those set aside for benchmarks.
_NUMBER = zlib.crc32(str(ROOT).encode()) % 512
BRIDGE = f"qconfig{_NUMBER}"
POOL = f"198.{18 + _NUMBER // 256}.{_NUMBER % 256}"
FIREWALL = [
    ("filter", "FORWARD", "-s", f"{POOL}.0/24", "-j", "ACCEPT"),
    ("filter", "FORWARD", "-d", f"{POOL}.0/24", "-j", "ACCEPT"),
    ("nat", "POSTROUTING", "-s", f"{POOL}.0/24", "!", "-d", f"{POOL}.0/24", "-j", "MASQUERADE"),
]


def skip_without_docker():
    """Ends the test program as skipped, or as failed in CI, where no daemon can run."""
    missing = [path for path in NEEDED if not os.path.exists(path)]
    why = f"no {', '.join(missing)}" if missing else "needs root" if os.geteuid() != 0 else ""
    if why:
        print(f"{'cannot run' if os.environ.get('CI') else 'skipped'}: {why}", file=sys.stderr)
        sys.exit(1 if os.environ.get("CI") else 77)


def run(*command, check=True, **options):
    """Runs a command; one that fails is an error with what it said."""
    options = {"capture_output": True, "text": True, "timeout": 600, **options}
    result = subprocess.run([str(word) for word in command], **options)
    if check and result.returncode != 0:
        raise AssertionError(f"{command} ended with {result.returncode}:\n{result.stdout}{result.stderr}")
    return result


def wait_until(condition, what, seconds=60):
    """The first true result of `condition`, asked again and again."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.1)
    return result


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Daemon:
    """A running dockerd that has the base image. One at a time in a build tree; the next one waits."""

    def __enter__(self):
        HOME.mkdir(parents=True, exist_ok=True)
        self._lock = open(HOME / "lock", "w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)  # the daemon holds it too, so that the next one waits for its end
        # A path of a socket may have 107 characters, fewer than that of a build tree.
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
            for container in self.docker("ps", "--all", "--quiet").stdout.split():  # of a run that was killed
                self.docker("rm", "--force", "--volumes", container)
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
        """Builds the image of this tree."""
        words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
        started = time.monotonic()
        self.docker("build", "--tag", tag, "--file", ROOT / "deploy/Dockerfile", *words, ROOT, timeout=1800)
        print(f"built the image in {time.monotonic() - started:.0f} s", file=sys.stderr)

    def _start(self):
        with open(HOME / "dockerd.log", "w") as log:
            self._process = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig=TERM"),  # a test that is killed takes its daemon along
                    "/usr/sbin/dockerd",
                    f"--host={self.environment['DOCKER_HOST']}",
                    f"--pidfile={self._sockets.name}/pid",
                    f"--exec-root={self._sockets.name}/exec",
                    f"--data-root={HOME / 'data'}",
                    f"--bridge={BRIDGE}",
                    f"--default-address-pool=base={POOL}.0/24,size=28",
                    "--iptables=false",  # it would empty the chains of the machine's own daemon
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[self._lock.fileno()],
                start_new_session=True,  # Ctrl-C is for the test, which ends the daemon when it is done
            )
        deadline = time.monotonic() + 60
        while self.docker("version", check=False).returncode != 0:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("dockerd does not run:\n" + (HOME / "dockerd.log").read_text()[-4000:])
            try:
                self._process.wait(0.1)
            except subprocess.TimeoutExpired:
                pass

    def _open_network(self):
        self._close_network()  # what a run that was killed left behind
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
    """The base image's files, made once: images cannot be pulled everywhere."""
    if not BASE_ARCHIVE.exists():
        BASE_ARCHIVE.parent.mkdir(parents=True, exist_ok=True)
        unfinished = BASE_ARCHIVE.with_suffix(".unfinished.tar")
        without = ["/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*"]
        run(
            "/usr/bin/mmdebstrap",
            "--variant=minbase",
            "--mode=root",
            # Merged from the start, or the package that merges brings Perl.
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
    with Daemon() as daemon:
        sys.exit(subprocess.run(sys.argv[1:], env=daemon.environment).returncode)
