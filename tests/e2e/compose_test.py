# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the services of deploy/compose.yaml, including Prometheus."""

import json
import re
import tempfile
import unittest
import urllib.parse
import urllib.request

from containers import Daemon, free_port, run, skip_without_docker, wait_until
from doc_blocks import run_by
from programs import ROOT, qconfigctl

FILE = ROOT / "deploy/compose.yaml"
# Replaces the Prometheus image, which cannot be pulled everywhere. Has the same paths and user.
PROMETHEUS = """
FROM debian:bookworm-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus && rm -rf /var/lib/apt/lists/* \\
  && install -d -o 65534 -g 65534 /prometheus
USER 65534
WORKDIR /prometheus
ENTRYPOINT ["/usr/bin/prometheus"]
"""


def setUpModule():
    global daemon
    daemon = unittest.enterModuleContext(Daemon())
    daemon.build()
    image = re.search(r"image: (prom/prometheus:\S+)", FILE.read_text()).group(1)
    daemon.docker("build", "--tag", image, "-", input=PROMETHEUS)


class Project:
    """The services of the compose file on free ports."""

    def __init__(self, test, *options):
        ports = {name: str(free_port()) for name in ("QCONFIG_PORT", "QCONFIG_ADMIN_PORT", "PROMETHEUS_PORT")}
        self.environment = {**daemon.environment, **ports, "COMPOSE_PROJECT_NAME": "qconfig-test"}
        self.options = options
        self.address = f"127.0.0.1:{ports['QCONFIG_PORT']}"
        self.prometheus = f"http://127.0.0.1:{ports['PROMETHEUS_PORT']}"
        test.addCleanup(self, "down", "--volumes", "--timeout", "1")

    def __call__(self, *arguments):
        command = ["/usr/bin/docker-compose", "--file", FILE, *self.options, *arguments]
        return run(*command, env=self.environment)

    def container(self, service):
        return json.loads(daemon.docker("inspect", self("ps", "--quiet", service).stdout.strip()).stdout)[0]

    def wait_until_healthy(self):
        wait_until(lambda: self.container("qconfigd")["State"]["Health"]["Status"] == "healthy", "healthy")

    def query(self, expression):
        """Returns the series of a PromQL expression."""
        url = f"{self.prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=10) as answer:
                return json.load(answer)["data"]["result"]
        except OSError:  # not started yet
            return []


class ComposeTest(unittest.TestCase):
    def test_serves_within_limits_and_keeps_its_volume(self):
        project = Project(self)
        project("up", "--detach")
        project.wait_until_healthy()
        container = project.container("qconfigd")
        limits = container["HostConfig"]
        self.assertTrue(limits["ReadonlyRootfs"])
        self.assertEqual(limits["CapDrop"], ["ALL"])
        self.assertEqual(limits["SecurityOpt"], ["no-new-privileges:true"])
        self.assertGreater(limits["Memory"], 0)
        self.assertGreater(limits["NanoCpus"], 0)
        self.assertGreater(limits["PidsLimit"], 0)
        self.assertEqual(limits["LogConfig"]["Config"], {"max-size": "10m", "max-file": "3"})
        published = [binding["HostIp"] for bindings in limits["PortBindings"].values() for binding in bindings]
        self.assertEqual(set(published), {"127.0.0.1"})

        ask = ["--server", project.address, "--tenant", "acme"]
        spec = '{"name": "mine", "weight": {"spec": "Int4PerGroupSpec", "fields": {"ch_axis": -1, "group_size": 48}}}'
        name = container["Name"].removeprefix("/")
        registered = ["qconfigctl", "--tenant", "acme", "register", "scheme", "-f", "-"]
        daemon.docker("exec", "--interactive", name, *registered, input=spec)
        project("stop")
        self.assertEqual(project.container("qconfigd")["State"]["ExitCode"], 0)
        project("down")
        project("up", "--detach")
        project.wait_until_healthy()
        answer = qconfigctl(*ask, "get-config", "llama", "--scheme", "mine")
        self.assertEqual(answer.returncode, 0, answer.stderr)

        project("down", "--volumes")
        self.assertEqual(daemon.docker("ps", "--all", "--quiet", "--filter", "name=qconfig-test").stdout, "")
        self.assertEqual(daemon.docker("volume", "ls", "--quiet", "--filter", "name=qconfig-test").stdout, "")

    def test_prometheus_scrapes_qconfigd(self):
        project = Project(self, "--profile", "metrics")
        project("up", "--detach")
        project.wait_until_healthy()
        self.assertEqual(qconfigctl("--server", project.address, "get-config", "llama", "--scheme", "fp8").returncode, 0)

        def values(expression):
            return [float(series["value"][1]) for series in project.query(expression)]

        wait_until(lambda: values('up{job="qconfig"}') == [1], "qconfigd scraped")
        wait_until(lambda: values("qconfig_build_info") == [1], "qconfig_build_info")
        asked = 'grpc_server_handled_total{grpc_method="GetConfig",grpc_code="OK"}'
        wait_until(lambda: values(asked) == [1], "the call counted")

    def test_policy(self):
        project = Project(self)
        folder = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(folder.cleanup)
        (block,) = (block for block in run_by("compose") if not block.startswith("docker compose "))
        command = block.replace("docker compose ", "docker-compose ").replace(" deploy/", f" {ROOT}/deploy/")
        run("bash", "-ec", command, cwd=folder.name, env=project.environment, timeout=1800)
        project.wait_until_healthy()

        def ask(*options, tenant="acme"):
            return qconfigctl("--server", project.address, "--tenant", tenant, *options, "list", "schemes")

        token = ["--token-file", f"{folder.name}/farm.token", "--allow-unencrypted-token"]
        answer = ask(*token)
        self.assertEqual(answer.returncode, 0, answer.stderr)
        self.assertIn("CREDENTIALS_MISSING", ask().stderr)
        self.assertIn("PERMISSION_DENIED", ask(*token, tenant="beta").stderr)

    def test_manual_commands(self):
        project = Project(self, "--profile", "metrics")
        blocks = [block for block in run_by("compose") if block.startswith("docker compose ")]
        self.assertEqual(len(blocks), 2)
        for block in blocks:
            # Debian 12 has version 1, whose command has a hyphen.
            command = block.replace("docker compose ", "docker-compose ")
            run("bash", "-ec", command, cwd=ROOT, env=project.environment, timeout=1800)


if __name__ == "__main__":
    skip_without_docker()
    unittest.main()
