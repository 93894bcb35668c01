# SPDX-License-Identifier: Apache-2.0
"""Every command with an answer in README.md gives that answer, and the other commands of the programs work."""

import os
import re
import shlex
import subprocess
import unittest

from config_test import options_of_help
from programs import BIN, ROOT, ServerTestCase, clean_environment, skip_without

README = (ROOT / "README.md").read_text()
TOOLS = ROOT / "build/tools/bin"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.M | re.S)


class ReadmeTest(ServerTestCase):
    def run_command(self, command):
        command = command.replace("build/release/bin/", shlex.quote(str(BIN)) + "/").replace("localhost:50051", self.server.address)
        environment = clean_environment(QCONFIG_SERVER=self.server.address, PATH=f"{TOOLS}:{os.environ['PATH']}")
        return subprocess.run(
            ["bash", "-ec", command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
            cwd=self.server.data.name,
            timeout=60,
        )

    def test_answers_are_those_printed(self):
        examples = blocks("console")
        self.assertEqual(len(examples), 4)
        for example in examples:
            command, answer = example.split("\n", 1)
            self.assertEqual(self.run_command(command.removeprefix("$ ")).stdout, answer, command)

    def test_other_commands_work(self):
        commands = [block for block in blocks("sh") if "build/release/bin/" in block]
        self.assertEqual(len(commands), 3)
        for command in commands:
            result = self.run_command(command)
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_table_has_every_option_of_qconfigd_as_help_says(self):
        rows = re.findall(r"^\| (?:\*\*(.+)\*\*|`--([a-z-]+)`) \| (\S*) ?\| (\S*) ?\| (.*)\|$", README, re.M)
        expected = []
        for group, name, _, variable, default in options_of_help():
            if (group, "", "", "") not in expected:
                expected.append((group, "", "", ""))
            expected.append(("", name, f"`{variable}`", default if default in ("", "off") else f"`{default}`"))
        self.assertEqual([row[:4] for row in rows], expected)
        for row in rows:
            self.assertEqual(bool(row[1]), bool(row[4].strip()), f"{row}: options are told, and groups are not")


if __name__ == "__main__":
    skip_without(TOOLS / "grpcurl")
    unittest.main()
