# SPDX-License-Identifier: Apache-2.0
"""Tests that qconfigctl and qconfigd accept what users type by habit, or name the command that was meant."""

import json
import pathlib
import shlex
import subprocess
import tempfile
import unittest

from programs import BIN, ServerTestCase, clean_environment, qconfigctl, server_environment

GET = "get-config llama --scheme fp8"
# A line that is rejected -> the line to run instead.
CORRECTED = {
    "lst schemes": "list schemes",
    "ls schemes": "list schemes",
    "list scheems": "list schemes",
    "describe schemas fp8": "describe scheme fp8",
    "show scheme fp8": "describe scheme fp8",
    "delete scheme mine": "unregister scheme mine",
    "get-config llama --quant_scheme fp8": GET,
    "get-config llama --quant-scheme=fp8": GET,
    "get-config llama --shceme fp8": GET,
    "get-config llama fp8": GET,
    "getconfig llama --scheme fp8": GET,
    f"{GET} --exclude_layers lm_head": f"{GET} --exclude lm_head",
    f"{GET} --exclude_layers lm_head '*gate*'": f"{GET} --exclude lm_head --exclude '*gate*'",
    f"{GET} --exclude a b c": f"{GET} --exclude a --exclude b --exclude c",
    "get-config --exclude a b llama --scheme fp8": "get-config --exclude a --exclude b llama --scheme fp8",
    f"{GET} --ignore lm_head": f"{GET} --exclude lm_head",
    f"{GET} --layer lm_head int8": f"{GET} --layer lm_head=int8",
    f"{GET} --layer a=fp8 b=int8": f"{GET} --layer a=fp8 --layer b=int8",
    f"{GET} --layer_quant_scheme lm_head int8": f"{GET} --layer lm_head=int8",
    f"{GET} --layer-type Linear int8": f"{GET} --layer-type Linear=int8",
    f"{GET} --quant_algo awq,gptq": f"{GET} --algorithm awq,gptq",
    f"{GET} --algorithm awq gptq": f"{GET} --algorithm awq --algorithm gptq",
    f"{GET} --kv_cache_dtype fp8": f"{GET} --kv-cache-scheme fp8",
    f"{GET} --min_kv_scale 0.1": f"{GET} --min-kv-scale 0.1",
    "plan model --scheme fp8 --tensor_parallel_size 8": "plan model --scheme fp8 --tensor-parallel 8",
    "list schemes --namespace acme": "list schemes --tenant acme",
    "list schemes --cacert ca.crt": "list schemes --tls-ca ca.crt",
    "list schemes --server https://qconfig.example.com:50051": "list schemes --tls --server qconfig.example.com:50051",
    "list schemes --server http://127.0.0.1:50051/": "list schemes --server 127.0.0.1:50051",
    "list schemes --server http://127.0.0.1": "list schemes --server 127.0.0.1:50051",
    "list schemes --server 'http://127.0.0.1?a=/b@c'": "list schemes --server 127.0.0.1:50051",
    "list schemes --server http://user:p@ss@127.0.0.1:80/x": "list schemes --server 127.0.0.1:80",
    "list schemes --server 'https://user@[::1]#a'": "list schemes --tls --server '[::1]:50051'",
    "list schemes --server 65535": "list schemes --server 127.0.0.1:65535",
    "get schemes": "list schemes",
    "get scheme fp8": "describe scheme fp8",
    "schemes list": "list schemes",
    "list --schemes": "list schemes",
    "list schemes -n acme": "list schemes --tenant acme",
    "get-config --model_type llama --scheme fp8": GET,
    "get-config llama -s fp8": GET,
    "register scheme my.yaml": "register scheme --file my.yaml",
    "list schemes -output json": "list schemes --output json",
    "register scheme -file my.yaml": "register scheme --file my.yaml",
    "list --catalogue quark-0.13 schemes": "list --catalog quark-0.13 schemes",
    "register-scheme my.yaml": "register scheme --file my.yaml",
    "delete-scheme mine": "unregister scheme mine",
    "get-scheme fp8": "describe scheme fp8",
    "list-schemes": "list schemes",
    "list --catalogs": "list catalogs",
    "new token": "new-token",
    "create token": "new-token",
    "token": "new-token",
    "token new": "new-token",
    "newtoken": "new-token",
    "who-am-i": "whoami",
    "auth whoami": "whoami",
    "new token --hash /token": "new-token --hash /token",
    "get config llama --scheme fp8": GET,
    "set-default catalog quark-0.13": "set-default-catalog quark-0.13",
    "unregister scheme mine --bearer-token-file /token": "unregister scheme mine --token-file /token",
    "list --catalogue": "list catalogs",
    f"{GET} --layer a fp8 b int8": f"{GET} --layer a=fp8 --layer b=int8",
    "get-config --layer a int8 llama --scheme fp8": "get-config --layer a=int8 llama --scheme fp8",
    "get-config --model meta-llama/Llama-3.1-8B --scheme fp8": GET,
    "get-config --model llama --quantization fp8": GET,
    f"{GET} --layer 're:.*down_proj=int8'": f"{GET} --layer '*down_proj=int8'",
    f"{GET} --layer='re:.*down_proj=int8'": f"{GET} --layer '*down_proj=int8'",
    f"{GET} --exclude lm_head --exclude 're:.*mlp.gate$'": f"{GET} --exclude lm_head --exclude '*mlp.gate'",
    "get llama --scheme fp8": GET,
    "quantize llama --scheme fp8": GET,
    "quantize meta-llama/Llama-3.1-8B --scheme fp8": GET,
    "list models": "list templates",
    "list model": "list templates",
    "models": "list templates",
    "list schemes --timeout 5s": "list schemes --timeout-seconds 5",
    "models list": "list templates",
    "schemes": "list schemes",
    "schemes -o json": "list schemes -o json",
    "schemes -ojson": "list schemes -ojson",
    "models --tenant acme": "list templates --tenant acme",
    "--tenant acme models": "--tenant acme list templates",
    "--tls schemes": "--tls list schemes",
    "get schemes -o json": "list schemes -o json",
    "get scheme fp8 -o json": "describe scheme fp8 -o json",
    "--server 127.0.0.1:50051 get schemes": "--server 127.0.0.1:50051 list schemes",
    "--tenant acme get scheme fp8": "--tenant acme describe scheme fp8",
    "describe model llama": "describe template llama",
    "list quantizations": "list schemes",
    "list versions": "list catalogs",
    "list history": "list changes",
    f"{GET} --layer '*down_proj:int8'": f"{GET} --layer '*down_proj=int8'",
    f"{GET} --layer lm_head:fp8": f"{GET} --layer lm_head=fp8",
    f"{GET} --layer-type Linear:int8": f"{GET} --layer-type Linear=int8",
    f"{GET} --kv-cache-dtype fp8_e4m3": f"{GET} --kv-cache-scheme fp8",
    "list schemes --server 34567": "list schemes --server 127.0.0.1:34567",
    "list schemes --server :34567": "list schemes --server 127.0.0.1:34567",
    "list schemes --server grpc://127.0.0.1:50051": "list schemes --server 127.0.0.1:50051",
    "--server=https://[::1] list schemes": "--tls --server '[::1]:50051' list schemes",
}
# A line that is rejected -> what the error says.
EXPLAINED = {
    "get llama": '"get" is not a command; to print a configuration, run qconfigctl get-config llama --scheme SCHEME; to print the template, run qconfigctl describe template llama\n',
    "show fp8": '"show" is not a command; to print an entry, run qconfigctl describe scheme fp8, or qconfigctl describe template fp8; to print a configuration,',
    "list models -o yaml": 'error: use templates instead of "models"',
    "quantize llama --frob": '"quantize" is not a command: qconfigctl only prints configurations, and Quark quantizes the model, for example with its quantize_quark.py; did you mean get-config?',
    f"{GET} --exclude 're:model.layers.(0|1).*'": "--exclude takes globs as in Python's fnmatch, not regular expressions such as \"re:model.layers.(0|1).*\"; write --exclude 'model.layers.0*' --exclude 'model.layers.1*'",
    "plan model.txt --scheme fp8 --tp-size x": "--tp-size of SGLang and TensorRT-LLM is --tensor-parallel here",
    "frobnicate": "the commands are get-config, plan, list,",
    "list tenants": '"tenants" is not one of templates, schemes, catalogs, changes',
    "describe fp8": "run qconfigctl describe template fp8, or qconfigctl describe scheme fp8",
    "list": "qconfigctl list requires one of templates, schemes, catalogs, changes",
    "list changes --revision 2": "apply only to templates and schemes. Run: qconfigctl list changes, or: qconfigctl list schemes --revision",
    "list catalogs --min-revision 2": "Run: qconfigctl list catalogs",
    "list schemes --frob": "--frob is not an option of list\nRun qconfigctl list --help for the accepted options.",
    "describe scheme fp8 int8": '"int8" is one word too many for describe',
    "register -f -": "qconfigctl register scheme -f FILE, or qconfigctl register template -f FILE",
    "register my.yaml": "qconfigctl register scheme -f FILE, or qconfigctl register template -f FILE",
    "list schemes --json": "--json is not an option here: add -o json",
    "list schemes --tls=maybe": "--tls takes no value, or true or false",
    "list schemes --allow-unencrypted-token=maybe": "--allow-unencrypted-token takes no value, or true or false",
    "list schemes --token secret": "write the token to a file, and set --token-file FILE or QCONFIG_TOKEN_FILE",
    "new-token extra": '"extra" is one word too many for new-token',
    "new-token --hash /nowhere": "--hash: token file /nowhere: cannot be opened",
    "list schemes --version=maybe": "--version takes no value, or true or false",
    f"{GET} --exclude-nothing=abc": "--exclude-nothing takes no value, or true or false",
    "register scheme -f x --replace=abc": "--replace takes no value, or true or false",
    "list schemes --timeout-seconds nans": "--timeout-seconds: Value nans not in range",
    "register -f /nowhere": "/nowhere: cannot open the file",
    "get-config llama --scheme": "--scheme requires a value",
    f"{GET} --group_size 32": "the scheme sets the group size",
    f"{GET} --tp 8": "--tp is not an option of get-config; only plan uses it",
    "get-config / --scheme fp8": "/ is a file or folder; get-config takes the `model_type` in the model's config.json",
    "list algorithms": "`qconfigctl list templates` shows the algorithms of each template",
    "list-algorithms": "`qconfigctl list templates` shows the algorithms of each template",
    "plan meta-llama/Llama-3.1-8B-Instruct --scheme fp8": "no such file or folder; plan reads a local model folder",
    f"{GET} --algo-config '{{\"gptq\": {{\"a\": 1}}, \"b\": 2}}'": "gptq.a is not in GptqConfig, whose fields are block_size,",
    f"{GET} --algo-config awq.json": "--algo-config: takes JSON text such as {\"gptq\": {\"block_size\": 64}}; to read a file, write @awq.json",
    f"{GET} --exclude-nothing --exclude lm_head": "--exclude and --exclude-nothing cannot be used together",
    f"{GET} --min-kv-scale abc": "--min-kv-scale takes a number, not abc",
    "list dtypes": "`qconfigctl list schemes` shows the data types of all schemes",
    "list observers": "`qconfigctl list catalogs -o json` shows the observers",
    f"{GET} --layer '*down_proj:bf16'": "--layer takes PATTERN=SCHEME, with = instead of :; bf16 is not a scheme. This is an unquantized type",
    f"{GET} --kv-cache-dtype fp8_e5m2": "--kv-cache-scheme cannot be fp8_e5m2. For the KV cache and attention, Quark has only fp8_e4m3, which is named fp8",
    f"{GET} -o yaml": "-o is the format (quark-json, json, textproto, response); programs that read YAML also read JSON",
    "list schemes -o toml": '"toml" is not a format: -o is the format (table, json)',
    "get-config llama --quantization fp8 --dtype bfloat16 --max-model-len 4096 --tp 2":
        "error: --quantization of vLLM is --scheme here\n       --dtype is not an option here: qconfig does not run models; pass it to the program that does\n"
        "       --max-model-len is not an option here: qconfig does not run models; pass it to the program that does\n"
        "       --tp is not an option of get-config; only plan uses it\nRun qconfigctl get-config --help",
    "quantize acme/tiny --scheme fp8": '"acme/tiny" is not a model type: run qconfigctl get-config MODEL_TYPE --scheme SCHEME with',
    "get-config llama --quantization awq": "awq is an algorithm, which is separate from the scheme: add --algorithm awq --scheme uint4_wo_128\nRun qconfigctl get-config --help",
    "delete scheme fp8": '"delete" is not a command: only registered schemes and templates can be removed, not those of a catalogue; did you mean unregister?',
    f"{GET} --quantization fp8": "--scheme is given twice\nRun qconfigctl get-config --help",
    "list schemes -o json --format json": "--output is given twice",
    f"{GET} -o out.yaml": "-o is the format (quark-json, json, textproto, response), not a file; redirect the output with > FILE",
    f"{GET} --format yaml": "--output is the format (quark-json, json, textproto, response)",
    "register scheme -fm.yaml extra": '"extra" is one word too many for scheme',
    "get-config --exclude lm_head llama fp8": "--exclude takes one value; repeat it for each, and give the scheme with --scheme\nRun qconfigctl get-config",
    "get-config llama --tenent acme": "--scheme is required\nRun qconfigctl get-config --help",
    f"{GET} --layer-type Linear fp8 int8": "\"int8\" has no '='; expected KEY=SCHEME\nRun qconfigctl get-config --help",
    f"{GET} --layer lm_head": "\"lm_head\" has no '='; expected KEY=SCHEME",
}


class QconfigctlTest(ServerTestCase):
    def test_a_misspelled_line_is_answered_with_the_line_to_run(self):
        for line, corrected in CORRECTED.items():
            with self.subTest(line):
                result = qconfigctl(*shlex.split(line))
                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assertTrue(result.stderr.startswith("error: "), result.stderr)
                self.assertEqual(result.stderr.splitlines()[-1], f"Run: qconfigctl {corrected}")

    def test_the_line_to_run_works(self):
        for line in CORRECTED.values():
            if line.startswith((GET, "list schemes", "describe")) and "--server" not in line and "--tls" not in line:
                with self.subTest(line):
                    result = qconfigctl(*shlex.split(line), server=self.server)
                    self.assertEqual(result.returncode, 0, result.stderr)

    def test_a_line_that_cannot_be_corrected_is_explained(self):
        for line, text in EXPLAINED.items():
            with self.subTest(line):
                result = qconfigctl(*shlex.split(line))
                self.assertEqual((result.returncode, result.stdout), (2, ""), result.stderr)
                self.assertIn(text, result.stderr)

    def test_accepts_singular_and_plural(self):
        for line in ("list scheme", "list template", "list catalogues", "list Catalog", "list change", "describe schemes fp8", "describe templates llama",
                     f"{GET} --algorithm awq,gptq"):
            with self.subTest(line):
                result = qconfigctl(*shlex.split(line), server=self.server)
                self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn('"gptq"', qconfigctl(*shlex.split(f"{GET} --algorithm awq,gptq"), server=self.server).stdout)

    def test_register_finds_the_kind_of_entry_in_the_file(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, text, kind in (("scheme.yaml", "name: mine\nweight: {spec: Int4PerGroupSpec, fields: {ch_axis: -1, group_size: 48}}\n", "scheme mine"),
                                     ("template.yaml", "model_type: my_model\nkv_layers_name: ['*k_proj']\n", "template my_model"),
                                     ("t.textproto", 'model_type: "other_model"\n', "template other_model")):
                path = pathlib.Path(folder, name)
                path.write_text(text)
                result = qconfigctl("register", "-f", path, "--tenant", "kinds", server=self.server)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertIn(f"registered {kind} for tenant kinds", result.stdout)
            command = [BIN / "qconfigctl", "--server", self.server.address, "--tenant", "relative", "register", "-f", "scheme.yaml"]
            result = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=clean_environment(), timeout=60)
            self.assertEqual(result.returncode, 0, result.stderr)
            result = qconfigctl("register", "schemes", "-f", pathlib.Path(folder, "scheme.yaml"), "--tenant", "plural", server=self.server)
            self.assertEqual(result.returncode, 0, result.stderr)
            pipe = subprocess.run([BIN / "qconfigctl", "register", "-f", "/dev/stdin"], input="name: mine\n", capture_output=True, text=True, env=clean_environment(), timeout=60)
            self.assertEqual(pipe.returncode, 2)
            self.assertIn("register takes the kind of entry first", pipe.stderr)
            self.assertEqual(qconfigctl("unregister", "schemes", "mine", "--tenant", "plural", server=self.server).returncode, 0)

    def test_help_and_version(self):
        version = qconfigctl("--version").stdout
        for line in ("-v", "version"):
            self.assertEqual((qconfigctl(line).returncode, qconfigctl(line).stdout), (0, version))
        for line, same in (("help", "--help"), ("help list", "list --help"), ("help register scheme", "register scheme --help")):
            self.assertEqual(qconfigctl(*line.split()).stdout, qconfigctl(*same.split()).stdout, line)
            self.assertIn("Usage: qconfigctl", qconfigctl(*line.split()).stdout)

    def test_a_suggestion_has_its_reason_and_the_line_to_run(self):
        for line, reason, corrected in (
            ("get-config qwen3_5 --scheme fp8", "qwen3_5 (quark-0.13 on this server has it; add --catalog quark-0.13)",
             "get-config qwen3_5 --scheme fp8 --catalog quark-0.13"),
            ("get-config llama --scheme INT4_AWQ", "int4_wo_128 (the same as ModelOpt's INT4_AWQ)",
             "get-config llama --scheme int4_wo_128 --algorithm awq"),
            ("get-config LlamaForCausalLM --scheme fp8", "llama (the model_type of this architecture)", GET),
            (f"{GET} --catalog quark-0.12", "quark-0.12.post1", f"{GET} --catalog quark-0.12.post1"),
            ("get-config llama --scheme W4A16", "int4_wo_128 (the same as llm-compressor's W4A16)", "get-config llama --scheme int4_wo_128"),
            (f"{GET} --layer '*a*=w_fp8_a_fp8'", "fp8 (its present name in Quark)", f"{GET} --layer '*a*=fp8'"),
        ):
            result = qconfigctl(*shlex.split(line), QCONFIG_SERVER=self.server.address)
            self.assertEqual((result.returncode, result.stdout), (1, ""), line)
            self.assertIn(f"\n  did you mean: {reason}\n", result.stderr)
            self.assertEqual(result.stderr.splitlines()[-1], f"Run: qconfigctl {corrected}")
            self.assertEqual(qconfigctl(*shlex.split(corrected), server=self.server).returncode, 0)
        for line in ("get-config llama --scheme int4", "get-config lama --scheme fp8", "get-config llama --scheme bf16"):
            self.assertNotIn("Run:", qconfigctl(*shlex.split(line), server=self.server).stderr)

    def test_a_type_of_layers_that_stay_unquantized_needs_no_option(self):
        for layer_type, reason in (("Embedding", "(`layer_config`) matches them, so without one"), ("Conv1D", "of this type, so")):
            result = qconfigctl(*shlex.split(f"{GET} --layer-type {layer_type}=bf16"), server=self.server)
            self.assertIn(f"{reason} they keep their data type; leave this entry out.", result.stderr)
            self.assertNotIn("did you mean", result.stderr)

    def test_the_recipe_for_a_scheme_with_weights_only_works(self):
        result = qconfigctl("get-config", "llama", "--scheme", "NVFP4A16", server=self.server)
        self.assertEqual(result.returncode, 1)
        self.assertIn("`qconfigctl describe scheme nvfp4 -o json > FILE`), remove input_tensors, change its name, and register it", result.stderr)
        self.assertNotIn("Run:", result.stderr)
        scheme = json.loads(qconfigctl("describe", "scheme", "nvfp4", "-o", "json", server=self.server).stdout)
        del scheme["config"]["input_tensors"]
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "FILE")
            path.write_text(json.dumps(scheme))
            renamed = qconfigctl("register", "scheme", "-f", path, "--name", "mine", server=self.server)
            self.assertIn("change `name` in the file, or leave out --name", renamed.stderr)
            path.write_text(json.dumps({**scheme, "name": "nvfp4a16"}))
            for command in (["register", "scheme", "-f", path], ["get-config", "llama", "--scheme", "nvfp4a16"]):
                result = qconfigctl(*command, "--tenant", "weights", server=self.server)
                self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIsNone(json.loads(result.stdout)["global_quant_config"]["input_tensors"])

    def test_an_algorithm_configuration_that_leaves_out_modules_has_a_note(self):
        result = qconfigctl(*shlex.split(f"{GET} --algorithm gptq"), "--algo-config", '{"gptq": {"block_size": 64}}', server=self.server)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("note: --algo-config: replaces the template's whole configuration of gptq and leaves out inside_layer_modules", result.stderr)

    def test_a_wrong_address_has_a_hint(self):
        for address, hint in (
            (self.server.admin, "the server speaks HTTP/1 on this port, as the admin port of qconfigd does; use the port of --listen"),
            ("127.0.0.1", "the server has no port; set host:port, where the port of qconfigd is 50051 by default"),
            ("99999", "the server has no port; set host:port, where the port of qconfigd is 50051 by default"),
            ("127.0.0.1:1", "no server listens on this address; check host and port, and whether qconfigd is running"),
            ("no-such-host.invalid:50051", "the name of the host cannot be resolved"),
        ):
            result = qconfigctl("list", "catalogs", "--server", address)
            self.assertEqual((result.returncode, result.stdout), (3, ""), address)
            self.assertIn(f"\n  hint:         {hint}", result.stderr)
            self.assertEqual(result.stderr.count("hint"), 1)

    def test_an_invalid_environment_variable_is_named(self):
        for variable, value, text in (
            ("QCONFIG_TLS", "maybe", "environment variable QCONFIG_TLS: maybe is not true or false; set QCONFIG_TLS=true, or unset it"),
            ("QCONFIG_TIMEOUT_SECONDS", "soon", "environment variable QCONFIG_TIMEOUT_SECONDS: Value soon not in range"),
            ("QCONFIG_SERVER", "http://user:secret@a:1/", "environment variable QCONFIG_SERVER: the value is a URL; set a:1"),
            ("QCONFIG_SERVER", "https://a:1", "environment variable QCONFIG_SERVER: https://a:1 is a URL; set a:1, and add --tls or --tls-ca FILE"),
        ):
            result = qconfigctl("list", "schemes", **{variable: value})
            self.assertEqual((result.returncode, result.stdout), (2, ""), variable)
            self.assertIn(text, result.stderr)
            self.assertNotIn("--server:", result.stderr)

    def test_a_url_without_a_valid_address_is_not_corrected(self):
        for url in ("http://h:99999", "http://h:abc", "http://h:", "http://", "http:///x", "http://:80", "https://[::1", "https://[]:80", "https://[::1]x",
                    "http://::1:50051", "http://user:s3cret#x@host:80", "http://user:s3/cret@host", "http://user:12/x@host", "http://user:p@12?x@host",
                    "http://user:s3cret@"):
            line = qconfigctl("list", "schemes", "--server", url)
            variable = qconfigctl("list", "schemes", QCONFIG_SERVER=url)
            shown = "the value" if "@" in url else url
            for result in (line, variable):
                self.assertEqual((result.returncode, result.stdout), (2, ""), url)
                self.assertNotIn("Run: ", result.stderr)
                self.assertNotIn("set ", result.stderr)
                if "@" in url:
                    self.assertNotRegex(result.stderr, "user|s3|12", url)
            self.assertIn("error: --server takes host:port, not a URL\n", line.stderr)
            self.assertIn(f"error: environment variable QCONFIG_SERVER: {shown} is a URL, not host:port\n", variable.stderr)


class QconfigdTest(unittest.TestCase):
    def run_qconfigd(self, *arguments):
        return subprocess.run([BIN / "qconfigd", *arguments], capture_output=True, text=True, env=server_environment(), timeout=30)

    def test_help_and_version(self):
        for words, flag in ((["-v"], "--version"), (["version"], "--version"), (["help"], "--help")):
            result = self.run_qconfigd(*words)
            self.assertEqual((result.returncode, result.stdout), (0, self.run_qconfigd(flag).stdout), words)
        self.assertIn("--to", self.run_qconfigd("help", "backup").stdout)

    def test_options_and_commands_of_other_servers(self):
        for words, text in (
            (["--port", "50051"], "--port is not an option; set --listen, such as --listen 127.0.0.1:50051"),
            (["--data_dir", "x"], "--data_dir is not an option; did you mean --data-dir?"),
            (["--trusted-ca-file", "ca.crt"], "--trusted-ca-file is not an option; set --tls-client-ca"),
            (["serve"], "serve is not a subcommand; qconfigd serves without a subcommand"),
            (["helthcheck"], "helthcheck is not a subcommand; did you mean healthcheck?"),
            (["--listen", "50051"], '"50051" is not host:port'),
        ):
            result = self.run_qconfigd(*words)
            self.assertEqual(result.returncode, 2, words)
            self.assertIn(text, result.stderr)


if __name__ == "__main__":
    unittest.main()
