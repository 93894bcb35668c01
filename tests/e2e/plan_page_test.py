# SPDX-License-Identifier: Apache-2.0
"""Tests the page of `qconfigctl plan -o html` in a headless Chromium. Writes pictures to QCONFIG_SCREENSHOTS, if it is set."""

import os
import pathlib
import tempfile
import unittest

import models
from browser import CHROMIUM, Browser
from programs import ServerTestCase, qconfigctl, skip_without

ARGUMENTS = ("--kv-cache-scheme", "fp8", "--layer", "*layers.[0-2].mlp*=fp8", "--layer", "*experts.7.up_proj=fp8")
SCREENSHOTS = os.environ.get("QCONFIG_SCREENSHOTS")


class PlanPageTest(ServerTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        super().tearDownClass()

    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def open(self, *arguments):
        """Opens the page of a plan, which must load without errors and without requests."""
        result = qconfigctl("plan", *arguments, "-o", "html", server=self.server)
        self.assertEqual(result.returncode, 0, result.stderr)
        page = self.folder / "plan.html"
        page.write_text(result.stdout)
        self.browser.open(page)
        self.assertEqual(self.browser.messages, [])
        self.assertEqual(self.browser.requests, [page.as_uri()])

    def open_deepseek(self):
        models.write_model(self.folder, "deepseek_v3", models.deepseek_v3(), shards=1)
        self.open(self.folder, "--scheme", "int4_wo_128", *ARGUMENTS)

    def count(self, selector):
        return self.browser.evaluate(f"document.querySelectorAll('{selector}').length")

    def focused(self):
        return self.browser.evaluate("document.activeElement.getAttribute('aria-label')")

    def focus(self, label):
        """Focuses a cell and returns the details that the page then shows."""
        self.browser.call("Page.bringToFront")
        self.browser.evaluate(f"document.querySelector('[aria-label=\"{label}\"]').focus()")
        return self.details()

    def details(self):
        return self.browser.evaluate("document.getElementById('details').textContent")

    def test_one_cell_for_each_projection_of_each_layer(self):
        self.open_deepseek()
        # In 61 layers 5 projections of attention; in 3 layers 3 of the MLP; in 58 the router, 3 of the shared and 3 of all experts.
        self.assertEqual(self.count(".grid .cell"), 61 * 5 + 3 * 3 + 58 * 7)
        self.assertEqual(self.count(".others .cell"), 2)
        self.assertEqual(self.count(".grid .cell.mixed"), 58)
        self.assertEqual(self.browser.evaluate("document.querySelector('#totals b').textContent"), "44,727 of 45,092")
        if SCREENSHOTS:
            self.take_screenshots()

    def take_screenshots(self):
        for name, media, scheme in (("light", "screen", "light"), ("dark", "screen", "dark"), ("print", "print", "light")):
            self.browser.call("Emulation.setEmulatedMedia", media=media, features=[{"name": "prefers-color-scheme", "value": scheme}])
            self.browser.screenshot(pathlib.Path(SCREENSHOTS) / f"plan-{name}.png")
        self.browser.call("Emulation.setEmulatedMedia", media="", features=[])

    def test_keyboard(self):
        self.open_deepseek()
        self.browser.press("Tab")
        self.assertRegex(self.focused(), r"^model\.layers\.0\.self_attn\.q_a_proj: ")
        self.browser.press("ArrowRight")
        self.browser.press("ArrowDown")
        self.assertRegex(self.focused(), r"^model\.layers\.1\.self_attn\.q_b_proj: ")
        self.assertIn("model.layers.1.self_attn.q_b_proj Linear 24576 × 1536 F8_E4M3", self.details())
        self.browser.press("End")
        self.assertRegex(self.focused(), r"^model\.layers\.60\.")
        self.browser.press("ArrowRight")  # there is nothing to the right
        self.assertRegex(self.focused(), r"^model\.layers\.60\.")
        self.browser.press("Home")
        for _ in range(20):
            self.browser.press("ArrowDown")  # skips rows without this layer
        self.assertRegex(self.focused(), r"^model\.layers\.0\.mlp\.down_proj: fp8")
        self.browser.press("Tab")
        self.assertRegex(self.focused(), r"^model\.embed_tokens: ")

    def test_cell_of_experts_that_differ(self):
        self.open_deepseek()
        details = self.focus("model.layers.3.mlp.experts.*.up_proj: different configurations")
        self.assertIn("(256 modules)", details)
        self.assertIn("255 × int4_wo_128", details)
        self.assertIn("1 × fp8", details)

    def test_findings_have_a_fix_to_copy(self):
        self.open_deepseek()
        self.assertGreater(self.count(".finding"), 0)
        self.assertGreater(self.count(".fix button"), 0)
        self.browser.evaluate("document.querySelector('.fix button').click()")
        self.assertEqual(self.browser.evaluate("new Promise(done => setTimeout(() => done(document.querySelector('.fix button').textContent), 200))"), "Copied")

    def test_hostile_names_are_text(self):
        names = ["</script><script>document.title='x'</script>", "<img/src=x/onerror=document.title='x'>", "<!--<script>", "&amp;"]
        (self.folder / "names").write_text("".join(f"model.layers.0.{name} Linear\n{name} Linear\n" for name in names))
        self.open(self.folder / "names", "--model-type", "llama", "--scheme", "fp8", "--layer", "<b>x</b>=int8")
        self.assertEqual(self.browser.evaluate("document.title"), "Quantization plan: llama fp8")
        self.assertEqual(self.count("img, b > *, script:not([type])"), 1)
        shown = self.browser.evaluate("[...document.querySelectorAll('.others .cell')].map(cell => cell.textContent.slice(2))")
        self.assertEqual(shown, names)

    def test_policy_forbids_other_scripts(self):
        (self.folder / "names").write_text("lm_head Linear\n")
        self.open(self.folder / "names", "--model-type", "llama", "--scheme", "fp8")
        self.browser.evaluate("document.body.append(Object.assign(document.createElement('script'), {textContent: 'document.title = 1'}))")
        self.assertEqual(self.browser.evaluate("document.title"), "Quantization plan: llama fp8")


if __name__ == "__main__":
    skip_without(CHROMIUM)
    unittest.main()
