# SPDX-License-Identifier: Apache-2.0
"""README's two commands in a clean clone of another name, and a catalogue that is changed there by data alone."""

import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

from programs import ROOT, clean_environment, skip_without


class CloneTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.clone = pathlib.Path(cls.folder.name) / "another name"
        subprocess.run(["git", "clone", "--quiet", ROOT, cls.clone], check=True)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def run_in_clone(self, *command):
        result = subprocess.run(command, cwd=self.clone, capture_output=True, text=True, env=clean_environment(), timeout=1500)
        self.assertEqual(result.returncode, 0, result.stdout[-4000:] + result.stderr[-4000:])
        return result.stdout

    def printed_config(self):
        output = self.run_in_clone("./deploy/quickstart", "--once")
        return json.loads(output[output.index("\n{\n") :])

    def test_1_quickstart_prints_a_configuration(self):
        self.assertEqual(self.printed_config()["exclude"], ["lm_head.*", "lm_head"])

    def test_1_quickstart_serves_until_ctrl_c(self):
        quickstart = subprocess.Popen(
            ["./deploy/quickstart"],
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean_environment(QCONFIG_LISTEN="127.0.0.1:0", QCONFIG_ADMIN_LISTEN="127.0.0.1:0"),
            start_new_session=True,
            # Python starts programs with SIGPIPE ignored; a shell does not.
            preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL),
        )
        for line in quickstart.stdout:
            if line.startswith("serving on"):
                break
        os.killpg(quickstart.pid, signal.SIGINT)
        _, log = quickstart.communicate(timeout=60)
        self.assertEqual(quickstart.returncode, 0, log)
        self.assertIn("shutting down", log)
        self.assertIn('"cancelled":0', log)

    def test_2_tests_run(self):
        self.assertIn("100% tests passed", self.run_in_clone("./tests/run", "--only", "core"))

    def test_3_changed_data_file_changes_the_answer(self):
        templates = self.clone / "core/catalog/quark-0.12.post1/templates.json"
        data = json.loads(templates.read_text())
        data["llama"]["exclude_layers_name"] = ["*changed*"]
        templates.write_text(json.dumps(data, indent=1))
        self.assertEqual(self.printed_config()["exclude"], ["*changed*.*", "*changed*"])


if __name__ == "__main__":
    skip_without(ROOT / ".git")
    unittest.main()
