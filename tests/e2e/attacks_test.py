# SPDX-License-Identifier: Apache-2.0
"""Runs those scripts of tests/attacks whose result does not depend on the speed of the machine, and the attacks by greedy
callers with limits that a busy machine keeps."""

import subprocess
import unittest

from programs import BIN, ROOT, skip_without
from tools import TOOLS

PYTHON = TOOLS.parent / "attacks/bin/python"
ATTACKS = ["byte_fuzz", "clock_jump", "damaged_file", "kill9", "wal_removed"]
GREEDY = ["batch_memory", "greedy_lists", "greedy_plans", "greedy_reader", "greedy_writer", "many_tenants"]


class AttacksTest(unittest.TestCase):
    def check(self, attack, *options, trials=1):
        with self.subTest(attack=attack):
            command = [PYTHON, ROOT / "tests/attacks/run", "--binary", BIN / "qconfigd", *options, attack]
            for _ in range(trials):
                result = subprocess.run(command, capture_output=True, text=True)
                if result.returncode == 0:
                    return
            self.fail(result.stdout + result.stderr)

    def test_what_is_kept_stays(self):
        for attack in ATTACKS:
            self.check(attack, "--seconds", "4")

    def test_others_are_served_beside_a_greedy_caller(self):
        # Other programs can use the processors for a few seconds. A server that does not share them fails each time.
        for attack in GREEDY:
            self.check(attack, "--seconds", "3", "--patient", trials=3)


if __name__ == "__main__":
    skip_without(PYTHON)
    unittest.main()
