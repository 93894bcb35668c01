# SPDX-License-Identifier: Apache-2.0
"""Tests qconfigctl with a real qconfigd."""

import json
import subprocess
import tempfile
import unittest

from programs import BIN, ServerTestCase, clean_environment, golden_cases, qconfigctl


def command_line(request):
    """Returns the arguments of get-config for a golden request, or None if the command line cannot express it."""
    if "algo_configs" in request or request["model_type"] == "":
        return None
    arguments = ["get-config", request["model_type"], "--scheme", request["scheme"]]
    algorithms = request.get("algorithm") or []
    for name in [algorithms] if isinstance(algorithms, str) else algorithms:
        arguments += ["--algorithm", name]
    for key in ("kv_cache_scheme", "attention_scheme", "min_kv_scale"):
        if key in request:
            arguments += ["--" + key.replace("_", "-"), request[key]]
    for pattern, scheme in request.get("layer_config", []):
        arguments += ["--layer", f"{pattern}={scheme}"]
    for layer_type, scheme in request.get("layer_type_config", []):
        arguments += ["--layer-type", f"{layer_type}={scheme}"]
    if "exclude_layers" in request:
        arguments += [word for pattern in request["exclude_layers"] for word in ("--exclude", pattern)]
        arguments += [] if request["exclude_layers"] else ["--exclude-nothing"]
    if "shared_scale_groups" in request:
        groups = request["shared_scale_groups"]
        arguments += [word for group in groups for word in ("--shared-scale-group", ",".join(group))]
        arguments += [] if groups else ["--no-shared-scales"]
    return arguments


class GetConfigTest(ServerTestCase):
    def run_ok(self, *arguments):
        result = qconfigctl(*arguments, server=self.server)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def test_prints_the_same_as_quark(self):
        checked = 0
        for case in golden_cases("overrides")[:150]:
            arguments = command_line(case["request"])
            if arguments is None:
                continue
            result = qconfigctl(*arguments, server=self.server)
            if "config" in case:
                # Compare as text, because the order of keys matters.
                self.assertEqual(result.stdout, json.dumps(case["config"], indent=2, ensure_ascii=False) + "\n", case["id"])
            else:
                self.assertEqual((result.returncode, result.stdout), (1, ""), case["id"])
            checked += 1
        self.assertGreater(checked, 80)

    def test_algorithm_configuration(self):
        config = json.loads(
            self.run_ok("get-config", "llama", "--scheme", "fp8", "--algorithm", "gptq", "--algo-config", '{"gptq": {"block_size": 64}}')
        )
        self.assertEqual(config["algo_config"][0]["block_size"], 64)

    def test_output_json_is_protojson_of_the_configuration(self):
        config = json.loads(self.run_ok("get-config", "llama", "--scheme", "fp8", "-o", "json"))
        self.assertEqual(config["global_quant_config"]["weight"][0]["dtype"], "DTYPE_FP8_E4M3")

    def test_output_textproto(self):
        self.assertIn("dtype: DTYPE_FP8_E4M3", self.run_ok("get-config", "llama", "--scheme", "fp8", "-o", "textproto"))

    def test_warnings_go_to_standard_error(self):
        result = qconfigctl("get-config", "llama", "--scheme", "fp8", "--exclude-nothing", server=self.server)
        self.assertEqual(result.returncode, 0)
        self.assertIn('warning: spec.exclude_layers (--exclude): "lm_head" is excluded by the template, but', result.stderr)
        json.loads(result.stdout)

    def test_warnings_about_patterns_have_options_that_can_be_pasted(self):
        def warnings(*arguments):
            return qconfigctl("get-config", "llama", "--scheme", "mxfp4", *arguments, server=self.server).stderr

        self.assertIn('spec.layer_config[0].pattern (--layer): "lm_head" never applies', warnings("--layer", "lm_head=int8"))
        self.assertIn("--exclude-nothing", warnings("--layer", "lm_head=int8"))
        self.assertEqual(warnings("--layer", "lm_head=int8", "--exclude-nothing").count("warning"), 1)
        self.assertIn("--exclude '*a' --exclude '*b'", warnings("--exclude", "*a *b"))
        self.assertIn("--layer '*k_proj=fp8' --layer '*v_proj=fp8'", warnings("--layer", "*q_proj=fp8"))
        self.assertEqual(warnings("--layer", "*q_proj=fp8", "--layer", "*k_proj=fp8", "--layer", "*v_proj=fp8"), "")

    def test_options_after_the_command_and_from_the_environment(self):
        for arguments, environment in (
            (["list", "catalogs", "--server", self.server.address], {}),
            (["list", "catalogs"], {"QCONFIG_SERVER": self.server.address}),
        ):
            result = qconfigctl(*arguments, **environment)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("quark-0.12.post1", result.stdout)

    def test_lists(self):
        self.assertEqual(len(self.run_ok("list", "templates").splitlines()), 42)
        schemes = self.run_ok("list", "schemes").splitlines()
        self.assertEqual(len(schemes), 28)
        self.assertRegex("\n".join(schemes), r"int4_wo_128 +int4 per_group 128 +-")
        self.assertRegex("\n".join(schemes), r"fp4_block16_scale_e4m3 .* nvfp4")
        self.assertEqual(len(json.loads(self.run_ok("list", "templates", "-o", "json"))["llm_templates"]), 41)

    def test_describe(self):
        template = json.loads(self.run_ok("describe", "template", "llama"))
        self.assertEqual(template["kv_layers_name"], ["*k_proj", "*v_proj"])
        self.assertIn('name: "fp8"', self.run_ok("describe", "scheme", "fp8", "-o", "textproto"))

    def test_a_server_error_is_readable_and_exits_1(self):
        result = qconfigctl("get-config", "llama", "--scheme", "pf8", server=self.server)
        self.assertEqual(result.returncode, 1)
        self.assertEqual(result.stdout, "")
        self.assertEqual(
            result.stderr.splitlines()[:4],
            ["error: no scheme has this name (SCHEME_NOT_FOUND)", "  field:        spec.scheme", "  value:        pf8", "  did you mean: fp8"],
        )

    def test_a_suggested_name_with_a_comma_is_quoted(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write('name: "a, b" config {}')
            file.flush()
            self.assertEqual(qconfigctl("--tenant", "commas", "register", "scheme", "-f", file.name, server=self.server).returncode, 0)
        result = qconfigctl("--tenant", "commas", "get-config", "llama", "--scheme", "a, bb", server=self.server)
        self.assertEqual(result.returncode, 1)
        self.assertIn('\n  did you mean: "a, b"\n', result.stderr)

    def test_tenant_and_catalog_are_sent(self):
        bad_tenant = qconfigctl("--tenant", "No", "get-config", "llama", "--scheme", "fp8", server=self.server)
        self.assertIn("INVALID_REQUEST", bad_tenant.stderr)
        bad_catalog = qconfigctl("list", "schemes", "--catalog", "quark-9", server=self.server)
        self.assertIn("CATALOG_NOT_FOUND", bad_catalog.stderr)

    def test_invalid_usage_exits_2(self):
        for arguments in ([], ["get-config"], ["get-config", "llama"], ["list", "things"], ["get-config", "llama", "--scheme", "fp8", "--layer", "x"],
                          ["get-config", "llama", "--scheme", "fp8", "--algo-config", "{"],
                          ["get-config", "llama", "--scheme", "fp8", "--exclude", "a", "--exclude-nothing"],
                          ["list", "schemes", "--timeout-seconds", "0"], ["list", "schemes", "--server", ""]):
            result = qconfigctl(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertTrue(result.stderr, arguments)

    def test_catalog_option_on_a_command_without_catalogue_exits_2(self):
        commands = (["list", "catalogs"], ["list", "changes"], ["unregister", "scheme", "x"], ["unregister", "template", "x"],
                    ["register", "scheme", "-f", "x"], ["register", "template", "-f", "x"], ["set-default-catalog", "x"], ["whoami"])
        for command in commands:
            for arguments in (["--catalog", "quark-0.13", *command], [*command, "--catalog", "quark-0.13"]):
                result = qconfigctl(*arguments, server=self.server)
                self.assertEqual((result.returncode, result.stdout), (2, ""), arguments)
                self.assertIn("--catalog: does not apply to this command", result.stderr)
        for command in commands[:2]:
            result = qconfigctl(*command, server=self.server, QCONFIG_CATALOG="quark-9")
            self.assertEqual(result.returncode, 0, result.stderr)
        result = qconfigctl("list", "schemes", server=self.server, QCONFIG_CATALOG="quark-9")
        self.assertIn("CATALOG_NOT_FOUND", result.stderr)
        result = qconfigctl("list", "schemes", "--catalog", "quark-0.13", server=self.server, QCONFIG_CATALOG="quark-9")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_invalid_revisions_have_a_short_error(self):
        for option in ("--revision", "--min-revision"):
            result = qconfigctl("list", "schemes", option, "-1", server=self.server)
            self.assertEqual(result.returncode, 2)
            self.assertRegex(result.stderr, f"{option}: Value -1 not in range .*9223372036854775807")

    def test_invalid_algorithm_configurations_are_rejected(self):
        for config, problem in (
            ('{"gptx": {}}', "gptx is not an algorithm; did you mean gptq?"),
            ('{"gptq": {"block_siz": 1}}', "gptq.block_siz: GptqConfig has no such field; did you mean block_size"),
            ('{"gptq": {"block_size": 1, "block_size": 2}}', 'gptq, line 1: duplicate key "block_size"'),
            ('{"gptq": {}, "awq": {}}', "has gptq and awq; repeat --algo-config for each algorithm"),
            ("{", "parse error at line 1, column 2"),
            ("{}", "no field is set"),
        ):
            result = qconfigctl("get-config", "llama", "--scheme", "fp8", "--algo-config", config, server=self.server)
            self.assertEqual((result.returncode, result.stdout), (2, ""), config)
            self.assertIn(problem, result.stderr)

    def test_an_unused_algorithm_configuration_causes_a_warning(self):
        arguments = ["get-config", "llama", "--scheme", "fp8", "--algo-config", '{"gptq": {"block_size": 64}}']
        result = qconfigctl(*arguments, server=self.server)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("warning: --algo-config: gptq is not requested; add --algorithm gptq\n", result.stderr)
        self.assertNotIn("is not requested", qconfigctl(*arguments, "--algorithm", "GPTQ", server=self.server).stderr)

    def test_unreachable_server_exits_3(self):
        result = qconfigctl("list", "catalogs", "--server", "127.0.0.1:1")
        self.assertEqual(result.returncode, 3)
        self.assertIn("127.0.0.1:1", result.stderr)

    def test_failure_to_write_output_exits_4(self):
        with open("/dev/full", "w") as full:
            command = [BIN / "qconfigctl", "--server", self.server.address, "list", "schemes"]
            result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=clean_environment(), timeout=60)
        self.assertEqual(result.returncode, 4)

    def test_help_lists_the_exit_codes(self):
        self.assertIn("Exit codes: 0 success, 1 request rejected by the server, 2 invalid command line or file, 3", self.run_ok("--help"))


if __name__ == "__main__":
    unittest.main()
