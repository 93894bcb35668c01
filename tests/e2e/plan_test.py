# SPDX-License-Identifier: Apache-2.0
"""Tests `qconfigctl plan` with a real qconfigd."""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import models
from programs import BIN, ROOT, ServerTestCase, clean_environment, qconfigctl


class PlanTest(ServerTestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="qconfig-")
        self.addCleanup(self.temporary.cleanup)
        self.folder = pathlib.Path(self.temporary.name)

    def plan(self, *arguments):
        return qconfigctl("plan", *arguments, server=self.server)

    def plan_ok(self, *arguments):
        result = self.plan(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def rows(self, *arguments):
        """Returns {name: [count, scheme, rule]} of the table."""
        table = self.plan_ok(*arguments).split("\n\n")[0].splitlines()
        self.assertEqual(table[0].split(), ["MODULES", "COUNT", "SCHEME", "RULE"])
        return {line.split()[0]: re.split(r"  +", line)[1:] for line in table[1:]}

    def write(self, name, content):
        path = self.folder / name
        path.write_text(content)
        return path

    def test_groups_equal_layers(self):
        models.write_model(self.folder, "llama", models.llama())
        self.assertEqual(
            self.rows(self.folder, "--scheme", "int4_wo_128"),
            {
                "model.layers.{0..3}.self_attn.*": ["16", "int4_wo_128", "global"],
                "model.layers.{0..3}.mlp.*": ["12", "int4_wo_128", "global"],
                "model.embed_tokens": ["1", "-", "not quantizable"],
                "lm_head": ["1", "-", "excluded by lm_head (template)"],
            },
        )

    def test_overrides_and_kv_cache(self):
        models.write_model(self.folder, "llama", models.llama())
        arguments = ["--scheme", "int4_wo_128", "--kv-cache-scheme", "fp8", "--layer", "*layers.[01].mlp*=fp8"]
        rows = self.rows(self.folder, *arguments)
        self.assertEqual(rows["model.layers.{0..1}.mlp.*"], ["6", "fp8", "override *layers.[01].mlp*"])
        self.assertEqual(rows["model.layers.{2..3}.mlp.*"], ["6", "int4_wo_128", "global"])
        keys = ["4", "int4_wo_128 with output fp8_e4m3 per_tensor", "KV cache *k_proj (template)"]
        self.assertEqual(rows["model.layers.{0..3}.self_attn.k_proj"], keys)
        self.assertIn("KV cache:   8 bits per value", self.plan_ok(self.folder, *arguments))

    def test_totals(self):
        models.write_model(self.folder, "llama", models.llama())
        totals = json.loads(self.plan_ok(self.folder, "--scheme", "fp8", "-o", "json"))["response"]["totals"]
        linear = 4 * (4 * 256 * 256 + 3 * 1024 * 256)
        self.assertEqual((totals["modules"], totals["quantized"]), ("30", "28"))
        self.assertEqual(int(totals["parameters"]), linear + 2 * 1024 * 256)
        self.assertEqual(int(totals["weight_bytes_before"]), 2 * (linear + 2 * 1024 * 256))
        self.assertIn(f"weights:    {2 * (linear + 2 * 1024 * 256) / 1e6:.2f} MB before", self.plan_ok(self.folder, "--scheme", "fp8"))

    def test_output_json_is_protojson_of_request_and_response(self):
        names = self.write("names", "lm_head Linear [8, 16]\nmodel.layers.0.mlp.up_proj Linear [8, 16]\n")
        plan = json.loads(self.plan_ok(names, "--model-type", "llama", "--scheme", "fp8", "-o", "json"))
        self.assertEqual([module["name"] for module in plan["request"]["modules"]], ["lm_head", "model.layers.0.mlp.up_proj"])
        response = plan["response"]
        self.assertEqual(response["config_of_module"], [0, 1])
        self.assertEqual(response["configs"][0]["weight"][0]["dtype"], "DTYPE_FP8_E4M3")
        config = qconfigctl("get-config", "llama", "--scheme", "fp8", "-o", "response", server=self.server)
        self.assertEqual(response["config_digest"], json.loads(config.stdout)["config_digest"])

    def test_index_without_weights(self):
        models.write_model(self.folder, "llama", models.llama(), with_shards=False)
        for model in (self.folder, self.folder / "config.json", self.folder / "model.safetensors.index.json"):
            result = self.plan(model, "--scheme", "fp8")
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("note: the sizes of 30 of 30 modules are unknown", result.stderr)
            self.assertIn("weights:    unknown, as for 30 modules of unknown size", result.stdout)

    def test_names_of_named_modules(self):
        names = self.write("names", " LlamaForCausalLM\nmodel LlamaModel\nmodel.layers.0.mlp.up_proj Linear\nlm_head Linear\n")
        rows = self.rows(names, "--model-type", "llama", "--scheme", "fp8")
        self.assertEqual(list(rows), ["model.layers.0.mlp.up_proj", "lm_head"])
        result = self.plan(names, "--scheme", "fp8")
        self.assertEqual(result.returncode, 2)
        self.assertIn("pass --model-type", result.stderr)

    def test_names_on_standard_input(self):
        command = [BIN / "qconfigctl", "--server", self.server.address, "plan", "-", "--model-type", "llama", "--scheme", "fp8"]
        result = subprocess.run(command, input="lm_head Linear\n", capture_output=True, text=True, env=clean_environment())
        self.assertIn("excluded by lm_head (template)", result.stdout)

    def test_broken_files_are_usage_errors(self):
        models.write_model(self.folder, "llama", models.llama())
        shard = self.folder / "model-00002-of-00002.safetensors"
        whole = shard.read_bytes()[:4096]
        length = int.from_bytes(whole[:8], "little")
        for content, expected in (
            (whole[:20], "the file is truncated"),
            ((100_000_000).to_bytes(8, "little") + whole[8:], "the file is truncated: the header has 100000000 bytes"),
            ((100_000_001).to_bytes(8, "little") + whole[8:], "the format allows up to 100000000"),
            (whole[:8] + b"[" * length, "expected a JSON object"),
            (whole[:8] + b" " * length, "invalid JSON"),
        ):
            shard.write_bytes(content)
            result = self.plan(self.folder, "--scheme", "fp8")
            self.assertEqual((result.returncode, result.stdout), (2, ""))
            self.assertIn(f"error: {shard}: ", result.stderr)
            self.assertIn(expected, result.stderr)

    def test_header_of_100_megabytes(self):
        header = json.dumps({"a.weight": {"dtype": "BF16", "shape": [0], "data_offsets": [0, 0]}}).encode()
        path = self.folder / "model.safetensors"
        path.write_bytes((100_000_000).to_bytes(8, "little") + header + b" " * (100_000_000 - len(header)))
        result = self.plan(path, "--scheme", "fp8", "--model-type", "llama")
        self.assertEqual(result.returncode, 2)
        self.assertIn("has no modules that can be quantized", result.stderr)

    def test_errors_of_the_server(self):
        names = self.write("names", "lm_head Linear\n")
        result = self.plan(names, "--model-type", "llama", "--scheme", "fp9")
        self.assertEqual(result.returncode, 1)
        self.assertIn("(SCHEME_NOT_FOUND)", result.stderr)
        result = self.plan(names, "--model-type", "llama", "--scheme", "fp8", "--runtime", "vllmm")
        self.assertEqual(result.returncode, 1)
        self.assertIn("runtimes[0]", result.stderr)

    def test_strict_fails_with_the_findings(self):
        models.write_model(self.folder, "llama", models.llama())
        arguments = [self.folder, "--scheme", "fp8", "--layer", "*nothing*=int8"]
        text = self.plan_ok(*arguments)
        self.assertRegex(text, r"WARNING: .*\*nothing\*.* \(PATTERN_MATCHES_NOTHING\)\n  field:   spec.layer_config\[0\]")
        result = self.plan(*arguments, "--strict")
        self.assertEqual((result.returncode, result.stdout), (1, ""))
        self.assertIn("(PLAN_HAS_FINDINGS)", result.stderr)
        self.assertRegex(result.stderr, r"WARNING: .*\*nothing\*.* \(PATTERN_MATCHES_NOTHING\)\n  field:   spec.layer_config\[0\]")
        self.plan_ok(self.folder, "--scheme", "fp8", "--strict")

    def test_runtimes_and_tensor_parallel_size(self):
        models.write_model(self.folder, "llama", models.llama())
        self.assertRegex(self.plan_ok(self.folder, "--scheme", "int4_wo_128", "--runtime", "sglang"), r"ERROR: sglang@\S+: ")
        text = self.plan_ok(self.folder, "--scheme", "int4_wo_128")
        self.assertNotIn("GROUP_SIZE_MISMATCH", text)
        self.assertIn("GROUP_SIZE_MISMATCH", self.plan_ok(self.folder, "--scheme", "int4_wo_128", "--tensor-parallel", "4"))

    def test_model_with_the_size_of_deepseek_v3(self):
        models.write_model(self.folder, "deepseek_v3", models.deepseek_v3(), shards=163, with_shards=False)
        text = self.plan_ok(self.folder, "--scheme", "int4_wo_128", "--runtime", "vllm")
        self.assertIn("model.layers.{3..60}.mlp.experts.{0..255}.*", text)
        self.assertIn("quantized:  44727 of 45092 modules", text)

    def test_policy_of_the_page_has_the_digests_of_its_script_and_style(self):
        page = (ROOT / "client/plan.html").read_text()
        for tag in ("style", "script"):
            content = re.search(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL).group(1)
            digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
            self.assertIn(f"{tag}-src 'sha256-{digest}'", page)

    def test_help(self):
        result = subprocess.run([BIN / "qconfigctl", "plan", "--help"], capture_output=True, text=True, env=clean_environment())
        for option in ("--model-type", "--scheme", "--layer", "--exclude", "--runtime", "--tensor-parallel", "--strict", "--output"):
            self.assertIn(option, result.stdout)


if __name__ == "__main__":
    unittest.main()
