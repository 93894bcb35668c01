# SPDX-License-Identifier: Apache-2.0
"""Every command in the documents works, and prints the output that the document shows."""

import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from config_test import options_of_help
from doc_blocks import COMMANDS, DOCUMENTS, NOT_RUN, RUN_BY, blocks, run_by
from programs import BIN, ROOT, Server, ServerTestCase, clean_environment, qconfigctl, skip_without
from tools import TOOLS

NOT_COMMANDS = ("json", "promql", "python", "text", "yaml")
REQUEST_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def run_command(command, folder, **environment):
    command = command.replace("build/release/bin/", shlex.quote(str(BIN)) + "/")
    return subprocess.run(
        ["bash", "-eo", "pipefail", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=clean_environment(PATH=f"{TOOLS}:{os.environ['PATH']}", **environment),
        cwd=folder,
        timeout=60,
    )


def call(server, method, request, *headers):
    options = [word for header in headers for word in ("-H", header)]
    command = [TOOLS / "grpcurl", "-plaintext", *options, "-d", json.dumps(request), server.address]
    subprocess.run([*command, f"qconfig.v1.ConfigService/{method}"], capture_output=True, timeout=60)


class BlocksTest(unittest.TestCase):
    def test_every_block_is_run_or_has_a_reason(self):
        beginnings = [beginning for known in (*RUN_BY.values(), NOT_RUN) for beginning in known]
        used = set()
        for document in DOCUMENTS:
            for block in blocks(document, COMMANDS):
                found = [beginning for beginning in beginnings if block.startswith(beginning)]
                self.assertEqual(len(found), 1, f"{document}: the block matches {found or 'no entry'} of doc_blocks.py:\n{block}")
                used.update(found)
        self.assertEqual(used, set(beginnings), "the beginnings in doc_blocks.py that match no block")

    def test_blocks_have_a_known_language(self):
        for document in DOCUMENTS:
            fences = re.findall(r"^ *```(.*)$", (ROOT / document).read_text(), re.M)
            self.assertLessEqual(set(fences[1::2]), {""}, document)
            self.assertLessEqual(set(fences[::2]), {*COMMANDS.split("|"), *NOT_COMMANDS}, document)

    def test_python_is_only_in_the_readme(self):
        """clone_test runs it there."""
        self.assertEqual([document for document in DOCUMENTS for _ in blocks(document, "python")], ["README.md"])

    def test_readme_is_one_page(self):
        self.assertLessEqual(len((ROOT / "README.md").read_text().splitlines()), 150)

    def test_no_placeholder_is_left(self):
        for document in DOCUMENTS:
            self.assertEqual(re.findall("@[A-Z]+@", (ROOT / document).read_text()), [], document)

    def test_link_targets_exist(self):
        for document in (*DOCUMENTS, "CHANGELOG.md"):
            path = ROOT / document
            for file, section in re.findall(r"\]\((?!https:)([^)#]*)#?([^)]*)\)", path.read_text()):
                target = path.parent / file if file else path
                self.assertTrue(target.exists(), f"{document}: {file}")
                if section:
                    headings = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
                    self.assertIn(section, [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings])

    def test_manual_options_exist(self):
        helps = "".join(run_command(f"build/release/bin/{program} --help", ROOT).stdout for program in ("qconfigd", "qconfigctl"))
        named = set(re.findall(r"`(?:qconfigctl )?(--[a-z-]+)", (ROOT / "deploy/README.md").read_text()))
        self.assertGreater(len(named), 10)
        self.assertEqual(named - set(re.findall(r"^  (?:-\w,)?(--[a-z-]+)", helps, re.M)), set())

    def test_tests_that_run_blocks_exist(self):
        for test in RUN_BY:
            source = (ROOT / f"tests/e2e/{test}_test.py").read_text()
            self.assertIn(f'run_by("{test}")', source)


class CommandsTest(ServerTestCase):
    def run_block(self, command):
        admin = re.search(r"admin port on \S+ \(port (\d+)\)", self.server.text()).group(1)
        command = command.replace("localhost:50051", self.server.address).replace("localhost:9464", f"127.0.0.1:{admin}")
        return run_command(command, self.server.data.name, QCONFIG_SERVER=self.server.address)

    def test_output_is_as_documented(self):
        examples = [block for block in run_by("readme") if block.startswith("$ ")]
        for example in examples:
            command, answer = example.split("\n", 1)
            self.assertEqual(self.run_block(command.removeprefix("$ ")).stdout, answer, command)

    def test_other_commands_work(self):
        commands = [block for block in run_by("readme") if not block.startswith(("$ ", "jq "))]
        for command in commands:
            result = self.run_block(command)
            self.assertEqual(result.returncode, 0, result.stdout)

    def test_option_table_equals_help(self):
        row = r"^\| (?:\*\*(.+)\*\*|`--([a-z-]+)`) \| (\S*) ?\| (\S*) ?\| (?:(.+) \| (.+) |\| )\|$"
        rows = re.findall(row, (ROOT / "deploy/README.md").read_text(), re.M)
        expected = []
        for group, name, _, variable, default in options_of_help():
            if (group, "", "", "") not in expected:
                expected.append((group, "", "", ""))
            expected.append(("", name, f"`{variable}`", default if default in ("", "off") else f"`{default}`"))
        self.assertEqual([row[:4] for row in rows], expected)
        for row in rows:
            self.assertEqual([bool(row[1])] * 2, [bool(text) for text in row[4:]], f"{row}: options have a meaning and reasons")


class LogTest(unittest.TestCase):
    """Compares the manual with a log that has a successful call, a rejected one and a failed one."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        with Server(QCONFIG_LOG_FORMAT="json", QCONFIG_LOG_SAMPLE="1") as server:
            accepted, rejected = ({"tenant": "acme", "spec": {"model_type": "llama", "scheme": name}} for name in ("fp8", "fp9"))
            call(server, "GetConfig", accepted, "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            call(server, "GetConfig", rejected, f"x-request-id: {REQUEST_ID}")
            call(server, "BatchGetConfig", {"requests": [accepted, rejected]})
            registry = pathlib.Path(server.data.name, "registry.db")
            registry.rename(registry.with_suffix(".moved"))
            scheme = pathlib.Path(cls.folder.name, "scheme.yaml")
            scheme.write_text("name: mine\nweight:\n  spec: Int4PerGroupSpec\n  fields: {ch_axis: -1, group_size: 48}\n")
            qconfigctl("--tenant", "acme", "register", "scheme", "-f", scheme, server=server)
            server.end()
            shutil.copy(server.log.name, f"{cls.folder.name}/qconfigd.log")
        cls.lines = [json.loads(line) for line in pathlib.Path(cls.folder.name, "qconfigd.log").read_text().splitlines()]

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def test_example_lines_match_real_ones(self):
        (examples,) = blocks("deploy/README.md", "json")
        for example in map(json.loads, examples.splitlines()):
            alike = ("msg", "level", "code", "reason")
            real = [line for line in self.lines if "items" not in line and all(line.get(key) == example[key] for key in alike)]
            self.assertTrue(real, f"no line like {example} in {self.lines}")
            self.assertEqual([list(line) for line in real], [list(example)] * len(real))
            self.assertEqual(bool(example["trace_id"]), bool(real[0]["trace_id"]))
            self.assertEqual("error" in example, example["level"] == "error")

    def test_manual_describes_every_field(self):
        manual = (ROOT / "deploy/README.md").read_text()
        self.assertIn("failed_items", {field for line in self.lines for field in line})
        for line in self.lines:
            for field in set(line) - {"time", "level", "msg", "method"}:
                self.assertRegex(manual, rf"(?m)^\| (`\w+`, )?`{field}`")

    def test_every_query_finds_something(self):
        questions = [block for block in run_by("readme") if block.startswith("jq ")]
        self.assertEqual(len(questions), 4)
        for question in questions:
            result = run_command(question, self.folder.name, REQUEST_ID=REQUEST_ID)
            self.assertEqual(result.returncode, 0, result.stdout)
            self.assertRegex(result.stdout, "acme", question)


if __name__ == "__main__":
    skip_without(TOOLS / "grpcurl")
    for tool in ("jq", "curl"):
        skip_without(shutil.which(tool) or tool)
    unittest.main()
