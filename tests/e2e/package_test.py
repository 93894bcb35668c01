# SPDX-License-Identifier: Apache-2.0
"""Tests installations: by `cmake --install` under any prefix, and as a Debian package on a clean system."""

import configparser
import json
import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import unittest

import containers
from programs import ROOT, clean_environment

BUILD = pathlib.Path(os.environ.get("QCONFIG_BIN", ROOT / "build/release/bin")).parent
STATE = "/var/lib/qconfig"
USER = "61184:61184"  # in the range that DynamicUser= uses
STATE_LEFT = ["/etc/qconfig", "/etc/qconfig/qconfigd.conf", STATE]


def parse_service(text):
    """Returns the unit's [Service] settings; the last one counts."""
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str
    unit.read_string(text)
    return unit["Service"]


class InstallTest(unittest.TestCase):
    def test_unit_under_a_prefix_is_valid_and_its_command_starts(self):
        with tempfile.TemporaryDirectory(prefix="qconfig-") as folder:
            prefix = pathlib.Path(folder) / "prefix"
            containers.run("cmake", "--install", BUILD, "--prefix", prefix)
            unit = prefix / "lib/systemd/system/qconfigd.service"
            checked = containers.run("systemd-analyze", "verify", "--man=no", unit)
            self.assertEqual(checked.stdout + checked.stderr, "")
            containers.run("systemd-analyze", "security", "--offline=yes", "--threshold=15", unit)
            command = shlex.split(parse_service(unit.read_text())["ExecStart"])
            result = containers.run(*command, "check-config", env=clean_environment(HOME=folder))
            self.assertIn("configuration is valid", result.stdout)

            options = prefix / "etc/qconfig/qconfigd.conf"
            options.write_text("log-level = warn\n")
            containers.run("cmake", "--install", BUILD, "--prefix", prefix)
            self.assertEqual(options.read_text(), "log-level = warn\n")
            documents = ("README.md", "CHANGELOG.md", "client/README.md", "deploy/README.md")
            data = ("alerts.yml", "grafana.json", "service_config.json")
            for file in (*(f"doc/qconfig/{name}" for name in documents), *(f"qconfig/{name}" for name in data)):
                self.assertTrue((prefix / "share" / file).is_file(), file)

    def test_stop_timeout_is_longer_than_the_shutdown(self):
        service = parse_service((ROOT / "deploy/systemd/qconfigd.service.in").read_text())
        sample = (ROOT / "deploy/qconfigd.conf").read_text()
        seconds = sum(int(value) for value in re.findall(r"^#shutdown-(?:delay|grace)-seconds = (\d+)", sample, re.M))
        self.assertGreater(int(service["TimeoutStopSec"]), seconds)


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = containers.Daemon().__enter__()
        cls.addClassCleanup(cls.daemon.__exit__)
        packages = tempfile.TemporaryDirectory(prefix="qconfig-")
        cls.addClassCleanup(packages.cleanup)
        containers.run("cpack", "-G", "DEB", "-B", packages.name, cwd=BUILD)
        (cls.package,) = pathlib.Path(packages.name).glob("*.deb")
        started = cls.daemon.docker("run", "--detach", containers.BASE, "sleep", "infinity")
        cls.container = started.stdout.strip()
        cls.addClassCleanup(cls.daemon.docker, "rm", "--force", cls.container)

    def inside(self, *command, user="0", **options):
        """Runs a command in the container."""
        words = ["exec", "--user", user, "--env", "DEBIAN_FRONTEND=noninteractive", self.container, *command]
        return self.daemon.docker(*words, **options)

    def files(self):
        """Returns every file whose path names the project, except those that the test copied."""
        found = self.inside("find", "/", "-xdev", "-path", "*qconfig*", "-not", "-path", "/tmp/*").stdout
        return sorted(found.splitlines())

    def test_install_start_call_remove_purge(self):
        version = re.search(r"project\(qconfig VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual(containers.run("dpkg-deb", "-f", self.package, "Version").stdout.strip(), version)
        self.daemon.docker("cp", self.package, f"{self.container}:/tmp/qconfig.deb")
        self.inside("apt-get", "update", "-qq")
        self.inside("apt-get", "install", "-y", "-qq", "--no-install-recommends", "/tmp/qconfig.deb")
        self.assert_answers()
        self.inside("sh", "-c", "echo '# mine' >> /etc/qconfig/qconfigd.conf")
        self.inside("apt-get", "remove", "-y", "-qq", "qconfig")
        left = [path for path in self.files() if not path.startswith(("/var/lib/dpkg/", STATE + "/"))]
        self.assertEqual(left, STATE_LEFT)
        self.inside("apt-get", "purge", "-y", "-qq", "qconfig")
        left = [path for path in self.files() if not path.startswith(STATE + "/")]
        self.assertEqual(left, [STATE])

    def assert_answers(self):
        """Starts qconfigd with the command of the unit, as a user that owns only its state directory, and calls it."""
        unit = self.inside("cat", "/usr/lib/systemd/system/qconfigd.service").stdout
        service = parse_service(unit)
        self.assertEqual(service["StateDirectory"], pathlib.Path(STATE).name)
        self.inside("install", "-d", "-m", service["StateDirectoryMode"], "-o", USER.split(":")[0], STATE)
        settings = ["--env", service["Environment"].replace("%S", str(pathlib.Path(STATE).parent))]
        start = shlex.split(service["ExecStart"])
        command = [containers.DOCKER, "exec", "--user", USER, *settings, self.container, *start]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=self.daemon.environment) as client:
            try:
                seen = ""
                while "listening on 127.0.0.1:50051 " not in seen:
                    line = client.stderr.readline()
                    self.assertTrue(line, "qconfigd did not start:\n" + seen)
                    seen += line
                answer = self.inside("qconfigctl", "get-config", "llama", "--scheme", "fp8", user=USER, timeout=60).stdout
                self.assertEqual(json.loads(answer)["quant_method"], "quark")
                self.inside("test", "-f", f"{STATE}/registry.db")
            finally:
                self.inside("sh", "-c", "for p in /proc/[0-9]*; do ! grep -qx qconfigd $p/comm || kill ${p#/proc/}; done")
                client.communicate(timeout=60)
        self.assertEqual(client.returncode, 0)


if __name__ == "__main__":
    containers.skip_without_docker()
    unittest.main()
