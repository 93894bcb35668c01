# SPDX-License-Identifier: Apache-2.0
"""Runs those scripts of tests/attacks whose result does not depend on the speed of the machine."""

import subprocess
import unittest

from programs import BIN, ROOT, skip_without
from tools import TOOLS

PYTHON = TOOLS.parent / "attacks/bin/python"
ATTACKS = ["byte_fuzz", "clock_jump", "damaged_file", "kill9", "wal_removed"]


class AttacksTest(unittest.TestCase):
    def test_what_is_kept_stays(self):
        for attack in ATTACKS:
            with self.subTest(attack=attack):
                command = [PYTHON, ROOT / "tests/attacks/run", "--binary", BIN / "qconfigd", "--seconds", "4", attack]
                result = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


if __name__ == "__main__":
    skip_without(PYTHON)
    unittest.main()
