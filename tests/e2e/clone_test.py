# SPDX-License-Identifier: Apache-2.0
"""Runs the README's commands, request and Python lines in a clean clone with another name, and changes a catalogue there by
editing data only."""

import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import unittest

from doc_blocks import blocks, run_by
from programs import ROOT, clean_environment, skip_without

COMMANDS = ["./deploy/quickstart", "./tests/run"]


def block_that_begins_with(beginning):
    (block,) = [block for block in run_by("clone") if block.startswith(beginning)]
    return block


class CloneTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.clone = pathlib.Path(cls.folder.name) / "another name"
        subprocess.run(["git", "clone", "--quiet", ROOT, cls.clone], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_in_clone(self, *command, **environment):
        # The variable of the tree that runs this test would keep ccache from finding anything.
        kept = clean_environment(CCACHE_BASEDIR=str(self.clone), CCACHE_NOHASHDIR="true", **environment)
        result = subprocess.run(command, cwd=self.clone, capture_output=True, text=True, env=kept, timeout=1500)
        self.assertEqual(result.returncode, 0, result.stdout[-4000:] + result.stderr[-4000:])
        return result.stdout

    def check_request(self, address):
        (example,) = blocks("README.md", "console")
        command, output = example.removeprefix("$ ").split("\n", 1)
        self.assertEqual(self.run_in_clone("bash", "-ec", command, QCONFIG_SERVER=address), output)

    def check_python(self, address):
        self.run_in_clone("bash", "-ec", block_that_begins_with("python3 -m venv "))
        (program,) = blocks("README.md", "python")
        output = self.run_in_clone("build/venv/bin/python", "-c", program.replace("localhost:50051", address))
        (comment,) = re.findall(r"  # (.+)$", program, re.M)
        self.assertEqual(output, comment + "\n")

    def printed_config(self):
        output = self.run_in_clone("./deploy/quickstart", "--once")
        return json.loads(output[output.index("\n{\n") :])

    def test_1_quickstart_prints_a_configuration(self):
        self.assertEqual(self.printed_config()["exclude"], ["lm_head.*", "lm_head"])

    def test_1_readme_has_two_commands(self):
        self.assertEqual(re.findall(r"^\S+", block_that_begins_with("./deploy/quickstart "), re.M), COMMANDS)

    def test_1_quickstart_serves_until_ctrl_c(self):
        quickstart = subprocess.Popen(
            ["./deploy/quickstart"],
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(QCONFIG_LISTEN="127.0.0.1:0", QCONFIG_ADMIN_LISTEN="127.0.0.1:0"),
            start_new_session=True,
            # Python starts programs with SIGPIPE ignored; shells do not.
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
        )
        try:
            serving = None
            while serving is None:
                line = quickstart.stdout.readline()
                self.assertTrue(line, "the quickstart does not serve")
                serving = re.match(r"serving on (\S+);", line)
            self.check_request(serving[1])
            self.check_python(serving[1])
        finally:
            os.killpg(quickstart.pid, signal.SIGINT)
            _, log = quickstart.communicate(timeout=60)
        self.assertEqual(quickstart.returncode, 0, log)
        self.assertIn("shutting down", log)
        self.assertIn('"cancelled":0', log)

    def test_2_tests_run(self):
        self.assertIn("100% tests passed", self.run_in_clone("./tests/run", "--only", "core"))
        for beginning in ("deploy/install-packages ", "cmake --build --preset release --target core_test"):
            self.run_in_clone("bash", "-ec", block_that_begins_with(beginning))

    def test_3_edited_catalogue_changes_the_answer(self):
        templates = self.clone / "core/catalog/quark-0.12.post1/templates.json"
        data = json.loads(templates.read_text())
        data["llama"]["exclude_layers_name"] = ["*changed*"]
        templates.write_text(json.dumps(data, indent=1))
        self.assertEqual(self.printed_config()["exclude"], ["*changed*.*", "*changed*"])


if __name__ == "__main__":
    skip_without(ROOT / ".git")
    unittest.main()
