# SPDX-License-Identifier: Apache-2.0
"""A client that implements only the documented form computes the same digests.

The vectors in tests/golden/digests.json contain requests, configurations in ProtoJSON, canonical JSON and digests.
digest_vectors_test.cc shows that the core computes the same from the requests.
"""

import hashlib
import json
import unittest

from programs import ROOT


def number(value):
    """Formats a number as ECMAScript does."""
    value = float(value)
    if value.is_integer() and abs(value) <= 2**53:
        return str(int(value))
    mantissa, _, exponent = repr(value).partition("e")
    digits = mantissa.replace("-", "").replace(".", "")
    point = len(mantissa.replace("-", "").partition(".")[0]) + int(exponent or 0)
    stripped = digits.lstrip("0")
    point -= len(digits) - len(stripped)
    digits = stripped.rstrip("0")
    sign = "-" if value < 0 else ""
    if -6 < point <= 0:
        return f"{sign}0.{'0' * -point}{digits}"
    if 0 < point <= 21:
        whole = digits[:point].ljust(point, "0")
        return sign + whole + ("." + digits[point:] if digits[point:] else "")
    fraction = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{fraction}e{'+' if point > 0 else ''}{point - 1}"


def canonical(value):
    """Returns the RFC 8785 form of a value whose object keys are ASCII."""
    if isinstance(value, dict):
        return "{" + ",".join(json.dumps(key) + ":" + canonical(value[key]) for key in sorted(value)) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(canonical, value)) + "]"
    if isinstance(value, str):
        # json.dumps escapes the same characters as RFC 8785, in the same way. Neither escapes DEL.
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return "true" if value else "false"
    return number(value)


class DigestTest(unittest.TestCase):
    def test_vectors(self):
        vectors = json.loads((ROOT / "tests/golden/digests.json").read_text())
        self.assertGreaterEqual(len(vectors), 8)
        for vector in vectors:
            with self.subTest(vector["name"]):
                text = canonical(vector["config"])
                self.assertEqual(text, vector["canonical_json"])
                self.assertEqual(hashlib.sha256(text.encode()).hexdigest(), vector["config_digest"])


if __name__ == "__main__":
    unittest.main()
