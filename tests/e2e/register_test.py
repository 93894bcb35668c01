# SPDX-License-Identifier: Apache-2.0
"""Tests qconfigctl's writes to a tenant's registry with a real qconfigd."""

import json
import pathlib
import re
import subprocess
import tempfile
import unittest

from programs import BIN, ServerTestCase, clean_environment, qconfigctl

TENSOR = {
    "dtype": "int4",
    "observer_cls": "PerGroupMinMaxObserver",
    "is_dynamic": False,
    "qscheme": "per_group",
    "ch_axis": -1,
    "group_size": 64,
    "symmetric": True,
    "round_method": "half_even",
    "scale_type": "float",
}
QUARK_SCHEME = {"weight": TENSOR}
TEMPLATE = {"model_type": "mine", "kv_layers_name": ["*k_proj", "*v_proj"], "q_layer_name": "*q_proj", "exclude_layers_name": ["lm_head"]}
UUID = "0b7f8bd0-5f30-4b3e-8a53-9d8f9a3f3d11"
UUID_PATTERN = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def to_yaml(value, indent=""):
    """YAML in block style, with quoted strings."""
    if not isinstance(value, dict):
        return " " + json.dumps(value) + "\n"
    return "\n" + "".join(f"{indent}{key}:{to_yaml(item, indent + '  ')}" for key, item in value.items())


PROTO_JSON_SCHEME = {
    "config": {
        "weight": [
            {**TENSOR, "dtype": "DTYPE_INT4", "qscheme": "Q_SCHEME_TYPE_PER_GROUP", "round_method": "ROUND_TYPE_HALF_EVEN", "scale_type": "SCALE_TYPE_FLOAT"}
        ]
    }
}
TEXTPROTO_SCHEME = """
config {
  weight {
    dtype: DTYPE_INT4
    observer_cls: "PerGroupMinMaxObserver"
    is_dynamic: false
    qscheme: Q_SCHEME_TYPE_PER_GROUP
    ch_axis: -1
    group_size: 64
    symmetric: true
    round_method: ROUND_TYPE_HALF_EVEN
    scale_type: SCALE_TYPE_FLOAT
  }
}
"""


class RegisterTest(ServerTestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        # Each test has its own tenant, so that revisions start at 1.
        self.tenant = self.id().rsplit(".", 1)[-1].replace("_", "-")[:60].strip("-")

    def file(self, content, name="entry"):
        path = pathlib.Path(self.folder.name) / name
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        return path

    def run_any(self, *arguments):
        return qconfigctl("--tenant", self.tenant, *arguments, server=self.server)

    def run_ok(self, *arguments):
        result = self.run_any(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result.stdout

    def rejected(self, *arguments, code=1):
        result = self.run_any(*arguments)
        self.assertEqual((result.returncode, result.stdout), (code, ""), result.stderr)
        return result.stderr

    def test_a_scheme_is_the_same_in_every_format(self):
        forms = {
            "quark": QUARK_SCHEME,
            "yaml": to_yaml(QUARK_SCHEME),
            "proto-json": PROTO_JSON_SCHEME,
            "textproto": TEXTPROTO_SCHEME,
        }
        seen = []
        for revision, (form, content) in enumerate(forms.items(), start=2):
            name = f"my_{form}"
            line = self.run_ok("register", "scheme", "-f", self.file(content), "--name", name, "--description", "d")
            self.assertEqual(line, f"registered scheme {name} for tenant {self.tenant} at revision {revision}\n")
            scheme = json.loads(self.run_ok("describe", "scheme", name))
            self.assertEqual((scheme["name"], scheme["description"], scheme["origin"]), (name, "d", "REGISTRY_ORIGIN_TENANT"))
            config = json.loads(self.run_ok("get-config", "llama", "--scheme", name))
            self.assertEqual(config["global_quant_config"]["weight"]["group_size"], 64)
            seen.append((scheme["config"], config))
        self.assertEqual(seen, [seen[0]] * 4)

    def test_file_from_standard_input(self):
        command = [BIN / "qconfigctl", "--server", self.server.address, "--tenant", self.tenant, "register", "scheme", "-f", "-"]
        scheme = json.dumps({"name": "piped", **QUARK_SCHEME})
        result = subprocess.run(command, input=scheme, capture_output=True, text=True, env=clean_environment(), timeout=60)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("registered scheme piped", result.stdout)

    def test_a_scheme_with_specs(self):
        spec = {"name": "by_spec", "weight": {"spec": "Int8PerTensorSpec", "fields": {"is_dynamic": False}}}
        self.run_ok("register", "scheme", "-f", self.file(spec))
        scheme = json.loads(self.run_ok("describe", "scheme", "by_spec"))
        self.assertEqual(scheme["spec"]["weight"]["preset"]["spec"], "Int8PerTensorSpec")
        self.assertEqual(scheme["config"]["weight"][0]["dtype"], "DTYPE_INT8")

    def test_described_config_can_be_registered(self):
        text = self.run_ok("describe", "scheme", "int4_wo_64", "-o", "textproto").replace("int4_wo_64", "copy")
        self.run_ok("register", "scheme", "-f", self.file(text))
        self.assertIn("registered", self.run_ok("unregister", "scheme", "copy"))

    def test_described_specs_can_be_registered(self):
        spec = {"name": "by_spec", "weight": {"spec": "Int8PerTensorSpec", "fields": {"is_dynamic": False}}}
        self.run_ok("register", "scheme", "-f", self.file(spec))
        for form in ("json", "textproto"):
            printed = self.run_ok("describe", "scheme", "by_spec", "-o", form).replace("by_spec", "copy_" + form)
            result = self.run_any("register", "scheme", "-f", self.file(printed))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("ignoring config", result.stderr)
            copy = json.loads(self.run_ok("describe", "scheme", "copy_" + form))
            self.assertEqual(copy["spec"], json.loads(self.run_ok("describe", "scheme", "by_spec"))["spec"])
        both = {"name": "both", "config": PROTO_JSON_SCHEME["config"], "spec": copy["spec"]}
        self.assertIn("INVALID_REQUEST", self.rejected("register", "scheme", "-f", self.file(both)))

    def test_an_unknown_observer_is_replaced_with_a_warning(self):
        layer = {
            "weight": {"dtype": "float16", "observer_cls": "PerTensorMinMixObserver"},
            "bias": {"dtype": "float16", "observer_cls": None},
            "input_tensors": {"dtype": "float16"},
        }
        result = self.run_any("register", "scheme", "--name", "half", "-f", self.file(layer))
        self.assertEqual(result.returncode, 0, result.stderr)
        consequence = "using PlaceholderObserver, as Quark does"
        self.assertEqual(
            result.stderr.splitlines(),
            [
                f"warning: input_tensors.observer_cls: not set; {consequence}",
                f'warning: weight.observer_cls: unknown observer "PerTensorMinMixObserver"; {consequence}; did you mean PerTensorMinMaxObserver?',
                f"warning: bias.observer_cls: not set; {consequence}",
            ],
        )
        scheme = json.loads(self.run_ok("describe", "scheme", "half"))
        for tensor in layer:
            self.assertEqual(scheme["config"][tensor][0]["observer_cls"], "PlaceholderObserver")

    def test_template_shadows_until_unregistered(self):
        before = self.run_ok("describe", "template", "llama")
        path = self.file({**TEMPLATE, "model_type": "llama", "exclude_layers_name": ["mine"]})
        result = self.run_any("register", "template", "-f", path)
        self.assertEqual(result.stdout, f"registered template llama for tenant {self.tenant} at revision 2\n")
        self.assertRegex(result.stderr, r'^warning: llm_template\.model_type: "llama" hides .* in quark-0\.12\.post1 and quark-0\.13\n$')
        config = json.loads(self.run_ok("get-config", "llama", "--scheme", "fp8"))
        self.assertEqual(config["exclude"], ["mine.*", "mine"])
        self.assertEqual(
            self.run_ok("register", "template", "-f", path),
            f"registered template llama for tenant {self.tenant} at revision 3; replaced the previous version\n",
        )
        self.assertEqual(
            self.run_ok("unregister", "template", "llama"),
            f"unregistered template llama for tenant {self.tenant} at revision 4; the catalogue's template is visible again\n",
        )
        self.assertEqual(self.run_ok("describe", "template", "llama"), before)

    def test_shadow_warning_names_only_catalogues_with_the_template(self):
        path = self.file({**TEMPLATE, "model_type": "qwen3_5"})
        errors = self.run_any("register", "template", "-f", path).stderr
        self.assertIn("quark-0.13", errors)
        self.assertNotIn("quark-0.12", errors)

    def test_a_scheme_is_replaced_only_on_request(self):
        path = self.file(QUARK_SCHEME)
        self.run_ok("register", "scheme", "--name", "x", "-f", path)
        self.assertIn("SCHEME_EXISTS", self.rejected("register", "scheme", "--name", "x", "-f", path))
        self.assertEqual(
            self.run_ok("register", "scheme", "--name", "x", "-f", self.file({"bias": TENSOR}, "other"), "--replace"),
            f"registered scheme x for tenant {self.tenant} at revision 3; replaced the previous version\n",
        )
        scheme = json.loads(self.run_ok("describe", "scheme", "x"))
        self.assertEqual(scheme["config"]["bias"][0]["group_size"], 64)
        self.run_ok("register", "scheme", "--name", "x", "-f", path, "--etag", scheme["etag"])
        self.assertIn("ETAG_MISMATCH", self.rejected("register", "scheme", "--name", "x", "-f", path, "--etag", scheme["etag"]))

    def test_must_be_new_rejects_an_existing_template(self):
        path = self.file(TEMPLATE)
        self.run_ok("register", "template", "-f", path, "--must-be-new")
        self.assertIn("TEMPLATE_EXISTS", self.rejected("register", "template", "-f", path, "--must-be-new"))
        self.rejected("register", "template", "-f", path, "--must-be-new", "--etag", "2", code=2)

    def test_a_copy_without_shared_scales_causes_a_warning(self):
        text = self.run_ok("describe", "scheme", "nvfp4", "-o", "textproto")
        copy = re.sub("(?m)^(name|default_shared_scales|etag|origin|alias_of):.*\n", "", text)
        result = self.run_any("register", "scheme", "--name", "copy", "-f", self.file(copy))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stderr, r"^warning: scheme\.default_shared_scales: .*nvfp4")

    def test_set_default_catalog(self):
        arguments = ("set-default-catalog", "quark-0.13")
        self.assertEqual(
            self.run_ok(*arguments, "--validate-only"),
            f"would have set the default catalogue to quark-0.13 for tenant {self.tenant}; the revision is still 1; previously quark-0.12.post1\n",
        )
        line = f"set the default catalogue to quark-0.13 for tenant {self.tenant} at revision 2; previously quark-0.12.post1\n"
        self.assertEqual(self.run_ok(*arguments, "--request-id", UUID), line)
        self.assertEqual(self.run_ok(*arguments), f"set the default catalogue to quark-0.13 for tenant {self.tenant} at revision 2; it was already the default\n")
        self.assertRegex(self.run_ok("list", "catalogs"), r"(?m)^quark-0\.13 +yes ")
        errors = self.rejected("set-default-catalog", "quark-0.12.post1", "--expected-revision", "1")
        self.assertIn("(REVISION_MISMATCH)", errors)
        self.assertRegex(errors, r"(?m)^  newest: +2$")
        self.run_ok("set-default-catalog", "quark-0.12.post1", "--expected-revision", "2")
        self.assertIn("  did you mean: quark-0.13 (the newest release on this server)\n", self.rejected("set-default-catalog", "quark-0.14"))
        self.assertEqual(json.loads(self.run_ok(*arguments, "-o", "json"))["previous_catalog"], "quark-0.12.post1")

    def test_template_with_algorithms(self):
        entry = {**TEMPLATE, "algorithm_configs": {"GPTQ": {"name": "gptq", "block_size": 64, "inside_layer_modules": ["q_proj"]}}}
        self.run_ok("register", "template", "-f", self.file(to_yaml(entry)))
        config = json.loads(self.run_ok("get-config", "mine", "--scheme", "int4_wo_128", "--algorithm", "gptq"))
        self.assertEqual(config["algo_config"][0]["block_size"], 64)

    def test_past_revisions_can_be_read(self):
        self.run_ok("register", "scheme", "--name", "x", "-f", self.file(QUARK_SCHEME))
        self.run_ok("unregister", "scheme", "x")
        self.assertIn("SCHEME_NOT_FOUND", self.rejected("describe", "scheme", "x"))
        self.run_ok("describe", "scheme", "x", "--revision", 2)
        self.run_ok("get-config", "llama", "--scheme", "x", "--revision", 2)
        self.assertRegex(self.run_ok("list", "schemes", "--revision", 2), r"(?m)^x +int4 per_group 64")
        self.assertNotRegex(self.run_ok("list", "schemes", "--min-revision", 3), r"(?m)^x ")
        self.run_ok("list", "templates", "--revision", 1, "--min-revision", 1)

    def test_changes_are_listed_newest_first(self):
        self.run_ok("register", "scheme", "--name", "x", "-f", self.file(QUARK_SCHEME), "--request-id", UUID)
        self.run_ok("register", "template", "-f", self.file(TEMPLATE))
        self.run_ok("unregister", "scheme", "x")
        lines = self.run_ok("list", "changes").splitlines()
        self.assertEqual(len(lines), 4)
        self.assertRegex(lines[0], r"^REVISION +TIME +ACTOR +REQUEST ID +CHANGE$")
        self.assertRegex(lines[1], rf"^4 +\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\dZ +\S+ +{UUID_PATTERN} +delete scheme x$")
        self.assertRegex(lines[2], r"^3 .* put template mine$")
        self.assertRegex(lines[3], rf"^2 .* {UUID} +set default catalog quark-0.12.post1, put scheme x")
        changes = json.loads(self.run_ok("list", "changes", "-o", "json"))
        self.assertEqual([record["revision"] for record in changes["changes"]], ["4", "3", "2"])

    def test_a_repeated_write_is_applied_once(self):
        arguments = ("register", "scheme", "--name", "x", "-f", self.file(QUARK_SCHEME), "--request-id", UUID)
        self.assertEqual(self.run_ok(*arguments), self.run_ok(*arguments))
        other = self.file({"bias": TENSOR}, "other")
        self.assertIn("REQUEST_ID_REUSED", self.rejected("register", "scheme", "--name", "x", "-f", other, "--request-id", UUID))

    def test_validate_only_stores_nothing(self):
        line = self.run_ok("register", "scheme", "--name", "x", "-f", self.file(QUARK_SCHEME), "--validate-only")
        self.assertEqual(line, f"would have registered scheme x for tenant {self.tenant}; the revision is still 1\n")
        self.assertIn("SCHEME_NOT_FOUND", self.rejected("describe", "scheme", "x"))

    def test_etags_guard_against_other_writers(self):
        path = self.file(TEMPLATE)
        etag = json.loads(self.run_ok("register", "template", "-f", path, "-o", "json"))["llm_template"]["etag"]
        self.run_ok("register", "template", "-f", path, "--etag", etag)
        self.assertIn("ETAG_MISMATCH", self.rejected("unregister", "template", "mine", "--etag", etag))

    def test_server_errors_name_the_place_in_the_file(self):
        bad = self.file({"weight": {**TENSOR, "group_size": None}})
        errors = self.rejected("register", "scheme", "--name", "x", "-f", bad)
        start = "Start from int4_wo_128 (GetScheme; `qconfigctl describe scheme int4_wo_128 -o json`)."
        self.assertEqual(
            errors,
            f"error: {bad}: weight.group_size, line 1: required when qscheme is per_group; int4_wo_128 has 128. {start} (INVALID_TENSOR_CONFIG)\n",
        )
        self.assertIn("SCHEME_EXISTS", self.rejected("register", "scheme", "--name", "fp8", "-f", self.file(QUARK_SCHEME)))
        builtin = self.rejected("unregister", "scheme", "fp8")
        self.assertIn("BUILTIN_READ_ONLY", builtin)
        self.assertIn("hint:         save it with `qconfigctl describe scheme fp8 -o json > FILE`, edit FILE and change its name, and run `qconfigctl register scheme -f FILE`", builtin)
        self.assertIn("SCHEME_NOT_FOUND", self.rejected("unregister", "scheme", "nothing"))

    def test_all_mistakes_of_a_file_are_listed(self):
        text = """{"name":"m","weight":{"dtype":"fp4","qscheme":"per_group","group_size":32,"scale_format":"e8m0","is_dynamic":false}}"""
        path = self.file(text)
        errors = self.rejected("register", "scheme", "-f", path)
        self.assertTrue(errors.startswith(f"error: {path}: 2 mistakes (INVALID_TENSOR_CONFIG)\n"), errors)
        self.assertRegex(errors, r"(?m)^  weight\.observer_cls, line 1: required when dtype is fp4")
        self.assertNotIn("PlaceholderObserver", errors)
        self.assertRegex(errors, r"(?m)^  weight\.ch_axis, line 1: required when qscheme is per_group; mxfp4 has -1$")
        path = self.file("name: m\nweight:\n  dtype: int8\nbias:\n  dtype: int4\n  dynamic: false\n")
        errors = self.rejected("register", "scheme", "-f", path, "--validate-only")
        for place in ("weight.is_dynamic, line 2", "weight.qscheme, line 2", "bias.symmetric, line 4"):
            self.assertRegex(errors, rf"(?m)^  {re.escape(place)}: required when dtype is int")

    def test_many_mistakes_fit_into_an_error(self):
        tensor = {"dtype": "int8", "observer_cls": "PerTensorMinMaxObserver"}
        path = self.file(json.dumps({"name": "m", "input_tensors": tensor, "output_tensors": tensor, "weight": tensor, "bias": tensor}, indent=1))
        lines = self.rejected("register", "scheme", "-f", path).splitlines()
        self.assertRegex(lines[0], r": \d+ mistakes \(INVALID_TENSOR_CONFIG\)$")
        self.assertEqual(len(lines), 1 + 20)
        for line in lines[1:]:
            self.assertRegex(line, r"^  \w+\.\w+, line \d+: required when dtype is int8")

    def test_places_are_in_the_keys_of_the_file(self):
        for content, place in (
            ("name: m\nweight:\n  spec: Int4PerGroupSpec\n  fields:\n    ch_axis: -1\n    group_size: a\n", "weight.fields.group_size, line 6: "),
            ("name: m\nweight:\n  spec: Int4PerGroupSpce\n", "weight.spec, line 3: "),
            (json.dumps({"name": "m", **PROTO_JSON_SCHEME}, indent=1).replace('   "group_size": 64,\n', ""), "config.weight[0].group_size, line 5: "),
            ('name: "m"' + TEXTPROTO_SCHEME.replace("    group_size: 64\n", ""), "config.weight[0].group_size, line 3: "),
        ):
            path = self.file(content)
            errors = self.rejected("register", "scheme", "-f", path)
            self.assertIn(f"error: {path}: {place}", errors)
        algorithms = {**TEMPLATE, "algorithm_configs": {"awq": None, "GPTQ": {"block_size": 64, "desc_act": True, "static_groups": False}}}
        errors = self.rejected("register", "template", "-f", self.file(json.dumps(algorithms, indent=1)))
        self.assertRegex(errors, r"algorithm_configs\.GPTQ\.static_groups, line \d+: must be true when desc_act is true")

    def test_the_config_json_of_a_quantized_model_is_read(self):
        config = {
            "architectures": ["X"],
            "model_type": "deepseek_v3",
            "quantization_config": {"quant_method": "quark", "global_quant_config": QUARK_SCHEME, "exclude": ["lm_head"]},
        }
        path = self.file(json.dumps(config, indent=1), "config.json")
        result = self.run_any("register", "scheme", "-f", path, "--name", "mine")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(
            result.stderr,
            f"note: {path}: reading quantization_config.global_quant_config, line 8: a scheme describes the layers without settings of their own\n"
            f"note: {path}: not part of a scheme, so pass the options to get-config: exclude (--exclude PATTERN)\n",
        )
        scheme = json.loads(self.run_ok("describe", "scheme", "mine"))
        self.assertEqual(scheme["config"]["weight"][0]["group_size"], 64)
        config["quantization_config"]["global_quant_config"] = {"weight": {**TENSOR, "group_size": None}}
        errors = self.rejected("register", "scheme", "-f", self.file(config), "--name", "other")
        self.assertIn("quantization_config.global_quant_config.weight.group_size, line 1: required", errors)
        self.assertIn("this is a quantization_config of Quark without global_quant_config, not a template", self.rejected("register", "template", "-f", path, code=2))

    def test_the_output_of_get_config_can_be_registered(self):
        path = self.file(self.run_ok("get-config", "llama", "--scheme", "int4_wo_64"))
        result = self.run_any("register", "scheme", "-f", path, "--name", "mine")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("note: ", result.stderr)

    def test_files_of_other_tools_are_named(self):
        for content, problem in (
            ('{"quant_method":"awq","bits":4,"group_size":128}', "this is an AWQ quantization_config, not a scheme"),
            ('{"producer":{"name":"modelopt"},"quantization":{"quant_algo":"NVFP4"}}', "qconfigctl get-config MODEL_TYPE --scheme nvfp4"),
            ('{"quant_method":"compressed-tensors","config_groups":{},"ignore":["re:.*visual.*"]}', "this is a compressed-tensors quantization_config (llm-compressor), not a scheme"),
        ):
            path = self.file(content)
            errors = self.rejected("register", "scheme", "--name", "x", "-f", path, code=2)
            self.assertTrue(errors.startswith(f"error: {path}: this is a"), errors)
            self.assertIn(problem, errors)

    def test_files_of_other_shapes(self):
        commented = "{\n  // for MI355X\n" + json.dumps({"name": "commented", **QUARK_SCHEME})[1:]
        self.run_ok("register", "scheme", "-f", self.file(commented))
        for content, problem in (
            (json.dumps([{"name": "a", **QUARK_SCHEME}] * 2), "the file is a list with 2 items; it must hold one scheme: put each in its own file"),
            ("name: a\nweight: null\n---\nname: b\nweight: null\n", "more than one YAML document"),
            ({"name": "x", "weight": {}}, "weight, line 1: has no fields; if the tensor is not quantized, set it to null or remove it"),
        ):
            self.assertIn(problem, self.rejected("register", "scheme", "-f", self.file(content), code=2))
        self.assertIn(": a directory; name a file in it", self.rejected("register", "scheme", "-f", self.folder.name, code=2))

    def test_invalid_files_exit_2(self):
        for content, problem in (
            ({"wieght": TENSOR}, "not a valid scheme\n  as Quark JSON: wieght, line 1: unknown key; did you mean weight?"),
            ('{"weight": null, "weight": null}', 'as JSON: line 1: duplicate key "weight"'),
            ("config { wieght {} }", "as textproto: line 1, column 17"),
            ("", "the file is empty"),
        ):
            path = self.file(content)
            errors = self.rejected("register", "scheme", "--name", "x", "-f", path, code=2)
            self.assertTrue(errors.startswith(f"error: {path}: "), errors)
            self.assertIn(problem, errors)
        self.assertIn("cannot open the file", self.rejected("register", "scheme", "-f", "/nonexistent/file", code=2))
        self.assertIn("set one with --name", self.rejected("register", "scheme", "-f", self.file(QUARK_SCHEME), code=2))
        named = self.file({"name": "x", **QUARK_SCHEME})
        self.assertIn('--name is "y"', self.rejected("register", "scheme", "-f", named, "--name", "y", code=2))

    def test_invalid_usage_exits_2(self):
        for arguments in (["register"], ["register", "scheme"], ["register", "thing", "-f", "x"], ["unregister", "scheme"],
                          ["register", "scheme", "-f", "x", "--format", "json"], ["list", "changes", "--revision", "2"],
                          ["describe", "scheme", "fp8", "--revision", "-1"], ["set-default-catalog"],
                          ["set-default-catalog", "quark-0.13", "--expected-revision", "-1"]):
            self.assertEqual(self.run_any(*arguments).returncode, 2, arguments)

    def test_an_unreachable_server_exits_3_and_explains_how_to_retry(self):
        path = self.file(PROTO_JSON_SCHEME)
        result = qconfigctl("register", "scheme", "--name", "x", "-f", path, "--server", "127.0.0.1:1")
        self.assertEqual(result.returncode, 3)
        self.assertRegex(result.stderr, rf"Nothing was sent, unless the server stopped during this call; a retry with --request-id {UUID_PATTERN} is safe")
        self.assertNotIn("may have been applied", result.stderr)


if __name__ == "__main__":
    unittest.main()
