# SPDX-License-Identifier: Apache-2.0
"""Runs the commands in client/LANGUAGE/README.md against a real server. Usage: clients_test.py LANGUAGE"""

import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

from programs import BIN, ROOT, Server, clean_environment

LANGUAGE = sys.argv.pop(1)
FOLDER = ROOT / "client" / LANGUAGE
TOOLS = {"python": "python3", "go": "go", "typescript": "npm", "java": "mvn", "rust": "cargo", "cpp": "cmake"}
SHOWN = {"python", "go", "typescript", "java", "rust", "cpp"}  # code that is not run, but must be in a file


def blocks():
    """Returns the README's fenced blocks as (language, text)."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", (FOLDER / "README.md").read_text(), re.M | re.S)


def examples(text):
    """Returns the commands of a console block with their output."""
    return re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", text, re.M)


def script(folder):
    """Returns a script that runs the README's commands in order, and compares the output of console blocks."""
    lines = []
    for language, text in blocks():
        if language == "sh":
            lines.append(text)
        for command, output in examples(text) if language == "console" else ():
            expected, got = (folder / f"{len(lines)}.{kind}" for kind in ("expected", "got"))
            expected.write_text(output)
            expected, got = shlex.quote(str(expected)), shlex.quote(str(got))
            lines.append(f"{{ {command}\n}} >{got} 2>&1 || {{ cat {got}; exit 1; }}\ndiff {expected} {got}\n")
    return "".join(lines)


class ClientTest(unittest.TestCase):
    def run_here(self, *command, **environment):
        kept = clean_environment(QCONFIG_BIN=str(BIN), **environment)
        code = subprocess.run(command, cwd=FOLDER, env=kept, stdin=subprocess.DEVNULL).returncode
        self.assertEqual(code, 0, f"{' '.join(map(str, command))} in client/{LANGUAGE} failed: see above")

    def test_0_tools_are_installed(self):
        tool = TOOLS[LANGUAGE]
        self.assertTrue(shutil.which(tool), f"client/{LANGUAGE} requires {tool}; its README lists the versions")

    def test_1_code_in_the_readme_is_in_a_file(self):
        command = ["git", "ls-files", "-co", "--exclude-standard", "."]
        listed = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=True)
        sources = [FOLDER / name for name in listed.stdout.split("\n") if name and name != "README.md"]
        contents = [path.read_text(errors="replace") for path in sources if path.is_file()]
        shown = [text for language, text in blocks() if language in SHOWN]
        self.assertTrue(shown, "the README shows no code")
        for text in shown:
            self.assertTrue(any(text in content for content in contents), f"no file in client/{LANGUAGE} contains:\n{text}")

    def test_2_readme_commands_work(self):
        commands = [text for language, text in blocks() if language == "sh"]
        conformance = rf"\A\.\./\.\./tests/conformance/clients/run {LANGUAGE}( {LANGUAGE}-\w+)*\n\Z"
        self.assertRegex(commands[-1], conformance, "the README's last sh block")
        if not any(re.search(r"^\./check\b", text, re.M) for text in commands):
            self.run_here("./check")
        with tempfile.TemporaryDirectory() as folder, Server("--storage", "memory") as server:
            file = pathlib.Path(folder, "readme.sh")
            file.write_text(script(pathlib.Path(folder)).replace("localhost:50051", server.address))
            self.run_here("bash", "-evo", "pipefail", file)


if __name__ == "__main__":
    unittest.main(failfast=True)
