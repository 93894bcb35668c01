# SPDX-License-Identifier: Apache-2.0
"""qconfigd reads its options from flags, environment and file, in this order, and rejects invalid ones with an error."""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from programs import BIN, ROOT, Server, clean_environment, qconfigctl

HELP_OPTION = re.compile(r"^  --([a-z-]+)(?: ([A-Z]+))?$")


def qconfigd(*arguments, user=None, **environment):
    """Runs a qconfigd command that exits on its own."""
    return subprocess.run(
        [BIN / "qconfigd", *map(str, arguments)],
        capture_output=True,
        text=True,
        env=clean_environment(**environment),
        user=user,
        timeout=60,
    )


def options_of_help():
    """Returns (group, name, text, variable, default) of every option, in the order of --help."""
    found = []
    group = ""
    for line in qconfigd("--help").stdout.splitlines():
        if re.match(r"^[A-Z][A-Za-z ]+:$", line):
            group = line[:-1]
        elif option := HELP_OPTION.match(line):
            found.append([group, option[1], ""])
        elif line.startswith("      ") and found:
            found[-1][2] += " " + line.strip()
    result = []
    for group, name, text in found:
        if name in ("help", "version"):
            continue
        parts = re.fullmatch(r" (.+) \[(QCONFIG_\w+); default: ([^;\]]*)(?:; [^]]+)?\]", text)
        assert parts, f"--{name}: {text}"
        result.append((group, name, parts[1], parts[2], parts[3].replace("empty", "")))
    return result


def sample_file():
    """Returns the expected content of deploy/qconfigd.conf."""
    lines = [
        "# SPDX-License-Identifier: Apache-2.0",
        "#",
        "# Options of qconfigd with their defaults. `qconfigd --help` describes them, and `qconfigd check-config --config FILE`",
        "# validates a file. Flags and QCONFIG_ variables take precedence over the file.",
    ]
    last = ""
    for group, name, _, _, default in options_of_help():
        if name == "config":
            continue
        if group != last:
            lines += ["", f"# {group}"]
        last = group
        lines.append(f"#{name} = {'false' if default == 'off' else default}".rstrip())
    return "\n".join(lines) + "\n"


class ConfigTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.folder.chmod(0o755)
        self.file = self.folder / "qconfigd.conf"

    def check(self, *arguments, **environment):
        result = qconfigd("check-config", *arguments, **environment)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout.splitlines()

    def expect_rejected(self, *arguments, expected, **environment):
        result = qconfigd("check-config", *arguments, **environment)
        self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
        self.assertIn(expected, result.stderr)
        self.assertEqual(len(result.stderr.splitlines()), 1, result.stderr)

    def test_flag_beats_environment_beats_file_beats_default(self):
        data = self.folder / "data"
        self.file.write_text(f"storage = memory\nlog-level = error\nlisten = 127.0.0.1:1\ndata-dir = {data}\n")
        with Server("--config", str(self.file), QCONFIG_STORAGE="sqlite", QCONFIG_LOG_LEVEL="info") as server:
            self.assertIn("listening on 127.0.0.1:0", server.text())
            self.assertTrue((pathlib.Path(server.data.name) / "registry.db").exists())
            self.assertFalse(data.exists())
        self.assertEqual(
            self.check("--listen", "127.0.0.1:0", QCONFIG_CONFIG=str(self.file), QCONFIG_LOG_LEVEL="warn"),
            [
                "configuration is valid",
                f"  --config {self.file} (environment: QCONFIG_CONFIG)",
                "  --listen 127.0.0.1:0 (flag)",
                f"  --storage memory (file: {self.file}, line 1)",
                f"  --data-dir {data} (file: {self.file}, line 4)",
                "  --log-level warn (environment: QCONFIG_LOG_LEVEL)",
            ],
        )
        self.assertEqual(self.check(), ["configuration is valid"])

    def test_errors_name_source_value_and_allowed_values(self):
        self.file.write_text("log-level = info\nlog-lvl = info\n")
        mistake = 'unknown option "log-lvl"; did you mean log-level?'
        self.expect_rejected("--config", self.file, expected=f"{self.file}, line 2: {mistake}")
        self.expect_rejected(expected='QCONFIG_LOG_FORMAT "xml" is not one of auto, json, text', QCONFIG_LOG_FORMAT="xml")
        self.expect_rejected("--cache-bytes", "much", expected='--cache-bytes "much" is not a whole number from 1 to')
        self.expect_rejected("--admin-listen", "9464", expected='--admin-listen "9464" is not host:port')
        self.expect_rejected("--listen", "unix:", expected="--listen unix: has no path")
        self.expect_rejected("--default-catalog", "quark-0.14", expected="quark-0.14 is not a catalogue of this server; did you mean quark-0.13 (the newest release on this server)?")
        self.expect_rejected("--config", self.folder / "no", expected="No such file or directory")
        removed = "was removed: the API fixes this limit at 128 characters. Remove it from your configuration"
        self.expect_rejected("--max-name-chars", "5", expected=f"--max-name-chars {removed}")
        self.expect_rejected(expected=f"QCONFIG_MAX_NAME_CHARS {removed}", QCONFIG_MAX_NAME_CHARS="5")
        # Start-up rejects the same options.
        self.assertEqual(qconfigd(QCONFIG_CONFIG=str(self.file)).returncode, 2)
        for arguments in (["--default-catalog", "quark-0.14"], ["--admin-listen", "::1:9464"], ["--listen", "127.0.0.1:+5"]):
            checked, started = qconfigd("check-config", *arguments), qconfigd(*arguments)
            self.assertEqual((checked.returncode, started.returncode), (2, 2), arguments)
            self.assertEqual(checked.stderr, started.stderr)

    def test_unusable_storage_locations_are_rejected(self):
        (self.folder / "file").write_text("")
        self.expect_rejected("--data-dir", self.folder / "file" / "data", expected="/file")
        self.expect_rejected("--storage", f"sqlite:{self.folder}", expected="it is a directory")
        self.check("--data-dir", self.folder / "to" / "make")
        self.assertFalse((self.folder / "to").exists(), "check-config creates nothing")
        if os.geteuid() == 0:
            result = qconfigd("check-config", "--data-dir", self.folder / "data", user=65534)
            self.assertEqual(result.returncode, 2, result.stdout)
            self.assertIn("Permission denied", result.stderr)

    def test_unknown_variables_are_warnings(self):
        result = qconfigd("check-config", QCONFIG_DATADIR="/x", QCONFIG_TENANT="acme")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(
            result.stderr,
            "warning: unknown environment variable QCONFIG_DATADIR; did you mean QCONFIG_DATA_DIR?\n",
        )
        with Server(QCONFIG_DATADIR="/x") as server:
            self.assertIn("did you mean QCONFIG_DATA_DIR?", server.text())

    def test_qconfigctl_variables_are_known(self):
        variables = re.findall(r"QCONFIG_[A-Z_]+", qconfigctl("--help").stdout)
        self.assertIn("QCONFIG_TLS", variables)
        result = qconfigd("check-config", **dict.fromkeys(variables, "1"))
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_help_is_grouped_and_fits_100_columns(self):
        text = qconfigd("--help").stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertNotIn("\n\n\n", text)
        groups = list(dict.fromkeys(option[0] for option in options_of_help()))
        logs, life = "Logs and metrics", "Connections and shutdown"
        self.assertEqual(groups, ["Configuration", "Serving", "TLS", "Access", "Storage", logs, life, "Limits"])
        for command in ("backup", "check-storage", "new-epoch", "check-config", "check-policy"):
            self.assertRegex(text, rf"\n  {command} +[A-Z]")
            self.assertEqual(qconfigd(command, "--help").returncode, 0)

    def test_sample_file_has_every_option_with_its_default(self):
        sample = (ROOT / "deploy/qconfigd.conf").read_text()
        self.assertEqual(sample, sample_file())
        self.file.write_text(re.sub(r"^#([a-z-]+ =)", r"\1", sample, flags=re.M))
        self.assertEqual(self.check("--config", self.file)[1:], [f"  --config {self.file} (flag)"])

    def test_every_option_is_tested_or_documented(self):
        patterns = ("tests/**/*.py", "tests/**/*.cc", "deploy/**/*", "*.md")
        files = [path for pattern in patterns for path in ROOT.glob(pattern)]
        text = "".join(
            re.sub(r"^\| `--.*", "", path.read_text(), flags=re.M)
            for path in files
            if path.is_file() and path.name not in ("qconfigd.conf", "command_line_test.cc")  # they name every option
        )
        missing = []
        for _, name, _, variable, _ in options_of_help():
            if not re.search(rf"--{name}\b(?!-)|\b{variable}\b", text):
                missing.append(name)
        self.assertEqual(missing, [])


if __name__ == "__main__":
    unittest.main()
