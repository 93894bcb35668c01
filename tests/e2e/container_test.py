# SPDX-License-Identifier: Apache-2.0
"""Builds and runs the image."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import types
import unittest

from certificates import issue
from containers import BASE, Daemon, free_port, run, skip_without_docker, wait_until
from doc_blocks import run_by
from programs import BIN, ROOT, qconfigctl

REVISION = run("git", "-C", ROOT, "rev-parse", "HEAD", check=False).stdout.strip() or "unknown"
CREATED = "2026-01-02T03:04:05Z"
MAX_MEGABYTES = 140  # deploy/README.md states the size
HARDENED = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"]
SCHEME = '{"name": "mine", "weight": {"spec": "Int4PerGroupSpec", "fields": {"ch_axis": -1, "group_size": 48}}}'


def setUpModule():
    global daemon, image
    daemon = unittest.enterModuleContext(Daemon())
    daemon.build(REVISION=REVISION, CREATED=CREATED)
    image = inspect_image("qconfig")


def inspect_image(tag):
    return json.loads(daemon.docker("image", "inspect", tag).stdout)[0]


class Container:
    """A hardened container of the image. The test removes it and its anonymous volumes at the end."""

    def __init__(self, test, *options, arguments=(), environment=("QCONFIG_INSECURE=true",)):
        self.port = free_port()
        variables = [word for variable in environment for word in ("--env", variable)]
        publish = ["--publish", f"127.0.0.1:{self.port}:50051"]
        # The image's health check with a shorter interval.
        often = ["--health-interval=500ms"]
        self.id = daemon.docker(
            "run", "--detach", *HARDENED, *publish, *often, *variables, *options, "qconfig", *arguments
        ).stdout.strip()
        test.addCleanup(daemon.docker, "rm", "--force", "--volumes", self.id)
        self.address = f"127.0.0.1:{self.port}"

    def state(self):
        return json.loads(daemon.docker("inspect", self.id).stdout)[0]["State"]

    def log(self):
        result = daemon.docker("logs", self.id)
        return result.stdout + result.stderr

    def wait_until_healthy(self):
        def healthy():
            if self.state()["Status"] == "exited":
                raise AssertionError("the container ended: " + self.log())
            return self.state()["Health"]["Status"] == "healthy"

        wait_until(healthy, "healthy")

    def exec(self, *command, **options):
        return daemon.docker("exec", "--interactive", self.id, *command, **options)


class Load:
    """Clients that follow the service config and call `containers` without a pause."""

    def __init__(self, test, containers):
        self.errors = tempfile.NamedTemporaryFile("w+", suffix=".log")
        self.process = subprocess.Popen(
            [BIN / "load", "ipv4:" + ",".join(container.address for container in containers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
        )
        test.addCleanup(self.end)

    def counts(self):
        """Returns how many calls have been made, and how many of them failed."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return tuple(int(word) for word in self.process.stdout.readline().split())

    def wait_for_calls(self, number):
        """Waits until that many more calls have been made."""
        goal = self.counts()[0] + number
        wait_until(lambda: self.counts()[0] >= goal, f"{number} calls")

    def failures(self):
        return pathlib.Path(self.errors.name).read_text()

    def end(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(60)
            self.process.stdout.close()
        self.errors.close()


class ImageTest(unittest.TestCase):
    def test_labels_describe_the_image(self):
        version = run(BIN / "qconfigd", "--version").stdout.strip()
        prefix = "org.opencontainers.image."
        labels = {key.removeprefix(prefix): value for key, value in image["Config"]["Labels"].items()}
        self.assertEqual(
            {key: labels.get(key) for key in ("title", "version", "revision", "created", "licenses", "base.name")},
            {
                "title": "qconfig",
                "version": version,
                "revision": REVISION,
                "created": CREATED,
                "licenses": "Apache-2.0",
                "base.name": "debian:bookworm-slim",
            },
        )
        self.assertIn("description", labels)
        self.assertEqual(labels["source"], "unknown")  # not given
        self.assertNotIn("", labels.values())

    def test_grace_period_is_shorter_than_that_of_docker_stop(self):
        settings = dict(setting.split("=", 1) for setting in image["Config"]["Env"])
        self.assertLess(int(settings["QCONFIG_SHUTDOWN_GRACE_SECONDS"]), 10)

    def test_runs_as_a_numeric_user_other_than_root(self):
        self.assertEqual(image["Config"]["User"], "65532:65532")

    def test_is_small(self):
        megabytes = image["Size"] / 1e6
        base = inspect_image(BASE)["Size"] / 1e6
        print(f"the image has {megabytes:.1f} MB, of which {base:.1f} MB are the base", file=sys.stderr)
        self.assertLess(megabytes, MAX_MEGABYTES)

    def test_has_all_libraries_and_no_build_tools(self):
        script = (
            'ldd /usr/bin/qconfigd /usr/bin/qconfigctl | grep "not found";'
            "for tool in g++ gcc cmake make protoc git python3; do command -v $tool; done;"
            "ls /source /build /tests 2>/dev/null; ls /var/lib/apt/lists"
        )
        found = daemon.docker("run", "--rm", "--entrypoint", "sh", "qconfig", "-c", script, check=False)
        self.assertEqual(found.stdout, "")

    def test_has_license_and_notice(self):
        both = ["/usr/share/doc/qconfig/LICENSE", "/usr/share/doc/qconfig/NOTICE"]
        text = daemon.docker("run", "--rm", "--entrypoint", "cat", "qconfig", *both).stdout
        self.assertEqual(text, (ROOT / "LICENSE").read_text() + (ROOT / "NOTICE").read_text())


class ContainerTest(unittest.TestCase):
    def test_answers_on_a_read_only_root_without_privileges(self):
        container = Container(self)
        container.wait_until_healthy()
        self.assertEqual(container.exec("id", "-u").stdout, "65532\n")
        self.assertNotEqual(container.exec("touch", "/usr/x", check=False).returncode, 0)
        self.assertEqual(container.exec("stat", "-c", "%u %a", "/var/lib/qconfig").stdout, "65532 700\n")

        inside = container.exec("qconfigctl", "get-config", "llama", "--scheme", "fp8").stdout
        outside = qconfigctl("get-config", "llama", "--scheme", "fp8", server=container)
        self.assertEqual(outside.returncode, 0, outside.stderr)
        self.assertEqual(inside, outside.stdout)
        self.assertIn("global_quant_config", json.loads(inside))

    def test_readme_command_serves(self):
        port = free_port()
        line = ["run", "--detach", "-p", f"127.0.0.1:{port}:50051", "-e", "QCONFIG_INSECURE=true", "qconfig"]
        container = daemon.docker(*line).stdout.strip()
        self.addCleanup(daemon.docker, "rm", "--force", "--volumes", container)
        ask = ["--server", f"127.0.0.1:{port}", "get-config", "llama", "--scheme", "int4_wo_128"]
        wait_until(lambda: qconfigctl(*ask).returncode == 0, "an answer")

    def test_rejects_insecure_start_by_default(self):
        container = Container(self, environment=())
        code = int(daemon.docker("wait", container.id).stdout)
        self.assertEqual(code, 2)
        self.assertIn("--insecure", container.log())

    def test_is_unhealthy_while_suspended(self):
        container = Container(self, "--health-retries=1")
        container.wait_until_healthy()
        daemon.docker("kill", "-s", "STOP", container.id)
        wait_until(lambda: container.state()["Health"]["Status"] == "unhealthy", "unhealthy")
        daemon.docker("kill", "-s", "CONT", container.id)
        container.wait_until_healthy()

    def test_registry_survives_kill(self):
        volume = daemon.docker("volume", "create").stdout.strip()
        self.addCleanup(daemon.docker, "volume", "rm", volume)
        mount = ["--volume", f"{volume}:/var/lib/qconfig"]

        first = Container(self, *mount)
        first.wait_until_healthy()
        first.exec("qconfigctl", "--tenant", "acme", "register", "scheme", "-f", "-", input=SCHEME)
        ask = ["qconfigctl", "--tenant", "acme", "get-config", "llama", "--scheme", "mine"]
        answer = first.exec(*ask).stdout
        daemon.docker("kill", "-s", "KILL", first.id)

        second = Container(self, *mount)
        second.wait_until_healthy()
        self.assertEqual(second.exec(*ask).stdout, answer)

    def test_idle_container_exits_immediately_on_sigterm(self):
        container = Container(self)
        container.wait_until_healthy()
        daemon.docker("stop", "--time", "60", container.id)
        self.assertEqual(container.state()["ExitCode"], 0, container.log())

    def test_drains_under_load_without_failed_calls(self):
        environment = ("QCONFIG_INSECURE=true", "QCONFIG_SHUTDOWN_DELAY_SECONDS=2")
        both = [Container(self, environment=environment) for _ in range(2)]
        for container in both:
            container.wait_until_healthy()
        load = Load(self, both)
        load.wait_for_calls(1000)
        for container in both:
            daemon.docker("stop", "--time", "60", container.id)
            self.assertEqual(container.state()["ExitCode"], 0, container.log())
            load.wait_for_calls(1000)
            daemon.docker("start", container.id)
            container.wait_until_healthy()
            load.wait_for_calls(1000)
        # While one container was down only the other could answer, so both have answered.
        calls, failures = load.counts()
        print(f"{calls} calls while each of two containers was stopped and started", file=sys.stderr)
        self.assertEqual(failures, 0, load.failures())


class ManualTest(unittest.TestCase):
    """Runs the commands of deploy/README.md on a free port."""

    def run_block(self, block, folder):
        server = types.SimpleNamespace(address=f"127.0.0.1:{free_port()}")
        self.addCleanup(daemon.docker, "volume", "rm", "--force", "qconfig")
        self.addCleanup(daemon.docker, "rm", "--force", "--volumes", "qconfig", check=False)
        block = re.sub(r"-p (127\.0\.0\.1:)?50051:", f"-p {server.address}:", block)
        run("bash", "-ec", block, cwd=folder, env=daemon.environment)
        return server

    def test_commands_from_build_to_answer(self):
        (block,) = [block for block in run_by("container") if block.startswith("docker build ")]
        self.run_block(block, ROOT)

    def test_commands_with_tls(self):
        with tempfile.TemporaryDirectory() as folder:
            tls = pathlib.Path(folder) / "tls"
            tls.mkdir()
            issue("ca", folder=pathlib.Path(folder))
            shutil.copy(pathlib.Path(folder) / "ca.crt", tls)
            issue("tls", "ca", folder=tls, authorities=pathlib.Path(folder))
            os.chmod(tls / "tls.key", 0o644)  # readable for the container's user
            (block,) = [block for block in run_by("container") if block.startswith("docker run ")]
            server = self.run_block(block, folder)
            own = ["--tls-ca", tls / "ca.crt", "--client-cert", tls / "tls.crt", "--client-key", tls / "tls.key"]
            ask = ["get-config", "llama", "--scheme", "fp8"]
            wait_until(lambda: qconfigctl(*ask, *own, server=server).returncode == 0, "an answer")
            self.assertEqual(qconfigctl(*ask, *own[:2], server=server).returncode, 3)


if __name__ == "__main__":
    skip_without_docker()
    unittest.main()
