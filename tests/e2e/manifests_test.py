# SPDX-License-Identifier: Apache-2.0
"""Validates the Kubernetes manifests for several versions, and checks the output of kustomize for what operators rely on."""

import functools
import os
import pathlib
import re
import shutil
import tempfile
import unittest

import certificates
import json_web_tokens
from doc_blocks import run_by
from programs import BIN, ROOT, Server, clean_environment, qconfigctl, skip_without
from tools import TOOLS, load_yaml, run_tool

DEPLOY = ROOT / "deploy"
KUBERNETES_VERSIONS = ("1.25", "1.29", "1.33", "1.37")
LARGEST_REQUEST = 4 << 20
REST_OF_THE_PROGRAM = 256 << 20


def environment_variables(program):
    help_text = run_tool(BIN / program, "--help", env=clean_environment())
    return set(re.findall(r"(?:\[|Env:)(QCONFIG_[A-Z_]+)", help_text))


def in_bytes(quantity):
    number, unit = re.fullmatch(r"(\d+)([KMGT]i)", quantity).groups()
    return int(number) << {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40}[unit]


def validate(*files):
    for version in KUBERNETES_VERSIONS:
        run_tool(TOOLS / "kubernetes-validate", "--strict", "-k", version, *files)


class Variant:
    """Tests for every variant. Subclasses set `folder`."""

    @classmethod
    def setUpClass(cls):
        cls.text = run_tool(TOOLS / "kustomize", "build", DEPLOY / "kubernetes" / cls.folder)
        cls.resources = load_yaml(cls.text)
        cls.services = {resource["metadata"]["name"]: resource["spec"] for resource in cls.resources if resource["kind"] == "Service"}
        cls.specs = {resource["kind"]: resource["spec"] for resource in cls.resources if "spec" in resource}
        cls.stateful_set = cls.specs["StatefulSet"]
        cls.pod = cls.stateful_set["template"]
        (cls.container,) = cls.pod["spec"]["containers"]
        cls.config_maps = {resource["metadata"]["name"]: resource for resource in cls.resources if resource["kind"] == "ConfigMap"}
        (cls.config_map,) = (resource for name, resource in cls.config_maps.items() if name.startswith("qconfigd-"))
        # The environment of qconfigd.
        cls.settings = {**cls.config_map["data"], **{entry["name"]: entry["value"] for entry in cls.container["env"]}}
        cls.ports = {port["name"]: port["containerPort"] for port in cls.container["ports"]}

    def test_is_valid_for_several_kubernetes_versions(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(self.text)
            file.flush()
            validate(file.name)

    def test_all_resources_have_the_same_namespace_and_labels(self):
        for resource in self.resources:
            self.assertEqual(resource["metadata"]["namespace"], "qconfig")
            self.assertEqual(resource["metadata"]["labels"]["app.kubernetes.io/name"], "qconfig")

    def test_one_replica_with_a_volume_for_the_data_directory(self):
        self.assertEqual(self.stateful_set["replicas"], 1)
        (claim,) = self.stateful_set["volumeClaimTemplates"]
        mounts = {mount["name"]: mount["mountPath"] for mount in self.container["volumeMounts"]}
        self.assertEqual(mounts[claim["metadata"]["name"]], "/var/lib/qconfig")
        self.assertEqual(self.settings["QCONFIG_DATA_DIR"], "/var/lib/qconfig")

    def test_selectors_match_the_pod(self):
        selectors = [
            self.stateful_set["selector"]["matchLabels"],
            self.specs["PodDisruptionBudget"]["selector"]["matchLabels"],
            self.specs["NetworkPolicy"]["podSelector"]["matchLabels"],
            *(service["selector"] for service in self.services.values()),
        ]
        self.assertEqual(len(selectors), 5)
        for selector in selectors:
            self.assertTrue(selector and selector.items() <= self.pod["metadata"]["labels"].items(), selector)

    def test_services(self):
        self.assertEqual(set(self.services), {"qconfig", "qconfig-headless"})
        self.assertEqual(self.services["qconfig"]["type"], "ClusterIP")
        self.assertEqual(self.services["qconfig-headless"]["clusterIP"], "None")
        self.assertEqual(self.stateful_set["serviceName"], "qconfig-headless")
        for service in self.services.values():
            (port,) = service["ports"]
            self.assertEqual((port["port"], port["targetPort"]), (50051, "grpc"))
            self.assertEqual(port.get("appProtocol"), self.app_protocol)

    def test_ports_and_probes_match_the_listen_addresses(self):
        self.assertEqual(self.settings["QCONFIG_LISTEN"], f"0.0.0.0:{self.ports['grpc']}")
        self.assertEqual(self.settings["QCONFIG_ADMIN_LISTEN"], f"0.0.0.0:{self.ports['admin']}")
        for probe, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz/reads")):
            self.assertEqual(self.container[probe]["httpGet"], {"path": path, "port": "admin"})
        annotations = self.pod["metadata"]["annotations"]
        self.assertEqual(annotations["prometheus.io/port"], str(self.ports["admin"]))
        self.assertEqual(annotations["prometheus.io/path"], "/metrics")

    def test_network_policy_allows_the_pods_ports_and_no_egress(self):
        policy = self.specs["NetworkPolicy"]
        self.assertEqual(policy["policyTypes"], ["Ingress", "Egress"])
        self.assertEqual(policy.get("egress"), [])
        named = [port["port"] for rule in policy["ingress"] for port in rule["ports"]]
        self.assertEqual(sorted(named), sorted(self.ports))
        for rule in policy["ingress"]:
            self.assertTrue(rule["from"] and all(rule["from"]), "an empty rule would allow everything")

    def test_a_node_can_be_drained(self):
        self.assertEqual(self.specs["PodDisruptionBudget"].get("maxUnavailable"), 1)

    def test_pod_is_restricted(self):
        self.assertIs(self.pod["spec"]["automountServiceAccountToken"], False)
        security = self.pod["spec"]["securityContext"]
        self.assertIs(security["runAsNonRoot"], True)
        self.assertEqual(security["seccompProfile"], {"type": "RuntimeDefault"})
        self.assertEqual(security["fsGroup"], security["runAsGroup"])
        self.assertEqual(
            self.container["securityContext"],
            {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
        )

    def test_user_is_the_same_as_in_the_image(self):
        users = re.findall(r"^USER (\S+)$", (DEPLOY / "Dockerfile").read_text(), re.M)
        security = self.pod["spec"]["securityContext"]
        self.assertIn(users[-1], (f"{security['runAsUser']}:{security['runAsGroup']}", str(security["runAsUser"])))

    def test_image_tag_is_the_project_version(self):
        version = re.search(r"^project\(\s*qconfig\s+VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text(), re.M).group(1)
        self.assertEqual(self.container["image"], f"qconfig:{version}")

    def test_pod_has_time_to_drain(self):
        delay = int(self.settings["QCONFIG_SHUTDOWN_DELAY_SECONDS"])
        self.assertEqual(delay, 0, "a delay is useless without another server")
        drains = delay + int(self.settings["QCONFIG_SHUTDOWN_GRACE_SECONDS"])
        self.assertGreaterEqual(self.pod["spec"]["terminationGracePeriodSeconds"], drains + 5)

    def test_memory_limit_covers_caches_and_calls(self):
        calls = int(self.settings["QCONFIG_MAX_IN_FLIGHT"]) * LARGEST_REQUEST
        answers = 4 * int(self.settings["QCONFIG_MAX_ANSWER_BYTES"])
        caches = int(self.settings["QCONFIG_CACHE_BYTES"]) + int(self.settings["QCONFIG_ANSWER_CACHE_BYTES"])
        needed = caches + calls + answers + REST_OF_THE_PROGRAM
        resources = self.container["resources"]
        self.assertLessEqual(needed, in_bytes(resources["limits"]["memory"]))
        self.assertEqual(set(resources["requests"]), {"cpu", "memory"})

    def test_every_setting_is_an_option(self):
        self.assertEqual(self.container["envFrom"], [{"configMapRef": {"name": self.config_map["metadata"]["name"]}}])
        self.assertEqual(set(self.settings) - environment_variables("qconfigd"), set())


class MutualTlsTest(Variant, unittest.TestCase):
    folder = "base"
    app_protocol = None  # "kubernetes.io/h2c" would make gateways connect without TLS

    def test_tls_files_come_from_the_secret(self):
        self.assertNotIn("QCONFIG_INSECURE", self.settings)
        (mount,) = (mount for mount in self.container["volumeMounts"] if mount["name"] == "tls")
        self.assertNotIn("subPath", mount)
        for variable, file in (("CERT", "tls.crt"), ("KEY", "tls.key"), ("CLIENT_CA", "ca.crt")):
            self.assertEqual(self.settings[f"QCONFIG_TLS_{variable}"], f"{mount['mountPath']}/{file}")
        (volume,) = (volume for volume in self.pod["spec"]["volumes"] if volume["name"] == "tls")
        self.assertEqual(volume, {"name": "tls", "secret": {"secretName": "qconfig-tls", "defaultMode": 0o440}})


class PolicyTest(unittest.TestCase):
    """The policy of the base, with the keys and the CA of this test."""

    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="qconfig-")))
        resources = load_yaml(run_tool(TOOLS / "kustomize", "build", DEPLOY / "kubernetes/base"))
        (cls.pod,) = (resource["spec"]["template"]["spec"] for resource in resources if resource["kind"] == "StatefulSet")
        data = {resource["metadata"]["name"]: resource["data"] for resource in resources if resource["kind"] == "ConfigMap"}
        # As `kubectl create configmap qconfig-jwks --from-file=jwks.json` does.
        (policy,) = load_yaml(data["qconfig-policy"]["policy.yaml"])
        cls.issuer = json_web_tokens.Issuer(cls.folder, policy["issuers"]["cluster"]["issuer"])
        data["qconfig-jwks"] = {"jwks.json": json_web_tokens.key_set(cls.issuer)}
        (cls.volume,) = (volume for volume in cls.pod["volumes"] if volume["name"] == "policy")
        for source in cls.volume["projected"]["sources"]:
            for name, text in data[source["configMap"]["name"]].items():
                (cls.folder / name).write_text(text)
        cls.issue = functools.partial(certificates.issue, folder=cls.folder)
        cls.issue("ca")
        cls.issue("server", "ca")
        settings = {entry["name"]: entry["value"] for entry in cls.pod["containers"][0]["env"]}
        files = {"CERT": "server.crt", "KEY": "server.key", "CLIENT_CA": "ca.crt"}
        cls.server = cls.enterClassContext(Server("--storage", "memory", **{
            "QCONFIG_TLS_CLIENT_AUTH": settings["QCONFIG_TLS_CLIENT_AUTH"],
            **{f"QCONFIG_TLS_{name}": str(cls.folder / file) for name, file in files.items()},
            "QCONFIG_AUTH_POLICY": str(cls.folder / pathlib.Path(settings["QCONFIG_AUTH_POLICY"]).name),
        }))

    def call(self, tenant, *command, token=None, certificate=None):
        if token:
            (self.folder / "token").write_text(token)
            credentials = ["--token-file", self.folder / "token"]
        else:
            self.issue("client", "ca", san=f"URI:{certificate}")
            credentials = ["--client-cert", self.folder / "client.crt", "--client-key", self.folder / "client.key"]
        if command == ("register",):
            (self.folder / "mine.yaml").write_text("name: mine\nweight: {spec: Int4PerGroupSpec, fields: {ch_axis: -1, group_size: 48}}\n")
            command = ("register", "scheme", "--replace", "-f", self.folder / "mine.yaml")
        return qconfigctl("--tenant", tenant, "--tls-ca", self.folder / "ca.crt", *credentials, *command, server=self.server)

    def assertAllowed(self, *results):
        for result in results:
            self.assertEqual(result.returncode, 0, result.stderr)

    def assertDenied(self, *results, reason="PERMISSION_DENIED"):
        for result in results:
            self.assertEqual(result.returncode, 1, result.stdout)
            self.assertIn(reason, result.stderr)

    def test_the_volume_has_the_policy_and_the_keys(self):
        (mount,) = (mount for mount in self.pod["containers"][0]["volumeMounts"] if mount["name"] == "policy")
        self.assertNotIn("subPath", mount)
        settings = {entry["name"]: entry["value"] for entry in self.pod["containers"][0]["env"]}
        self.assertEqual(settings["QCONFIG_AUTH_POLICY"], f"{mount['mountPath']}/policy.yaml")
        sources = [source["configMap"]["name"] for source in self.volume["projected"]["sources"]]
        self.assertEqual(sources, ["qconfig-policy", "qconfig-jwks"])

    def test_an_engineer_of_one_tenant_is_denied_for_another(self):
        call = functools.partial(self.call, certificate="spiffe://cluster.local/ns/acme/user/alice")
        self.assertAllowed(call("acme", "register"), call("acme", "set-default-catalog", "quark-0.13"))
        for command in (("list", "schemes"), ("register",), ("set-default-catalog", "quark-0.13")):
            self.assertDenied(call("beta", *command))

    def test_service_accounts(self):
        names = ("qconfig:operator", "acme-ci:release", "acme-farm:worker")
        operator, ci, farm = (functools.partial(self.call, token=self.issuer.token(f"system:serviceaccount:{name}")) for name in names)
        self.assertAllowed(operator("beta", "register"))
        self.assertAllowed(ci("acme", "register"), ci("acme-new", "register"))
        self.assertDenied(ci("beta", "register"), ci("acme", "set-default-catalog", "quark-0.13"))
        self.assertAllowed(farm("acme", "list", "schemes"))
        self.assertDenied(farm("acme", "register"), farm("beta", "list", "schemes"))

    def test_tokens_that_are_not_accepted(self):
        for token in (
            self.issuer.token("system:serviceaccount:beta:farm"),
            self.issuer.token("system:serviceaccount:acme-farm:worker", audience="https://kubernetes.default.svc.cluster.local"),
        ):
            self.assertDenied(self.call("acme", "list", "schemes", token=token), reason="CREDENTIALS_INVALID")

    def test_the_example_of_a_certificate_is_that_of_an_operator(self):
        (certificate,) = load_yaml((DEPLOY / "kubernetes/examples/client-certificate.yaml").read_text())
        self.assertIn("client auth", certificate["spec"]["usages"])
        (uri,) = certificate["spec"]["uris"]
        self.assertAllowed(self.call("beta", "register", certificate=uri))

    def test_the_example_of_a_client_has_a_token_of_the_farm(self):
        account, job = load_yaml((DEPLOY / "kubernetes/examples/client-with-token.yaml").read_text())
        pod = job["spec"]["template"]["spec"]
        self.assertEqual(pod["serviceAccountName"], account["metadata"]["name"])
        (volume,) = pod["volumes"]
        (token,) = (source["serviceAccountToken"] for source in volume["projected"]["sources"] if "serviceAccountToken" in source)
        (container,) = pod["containers"]
        (mount,) = container["volumeMounts"]
        environment = {entry["name"]: entry["value"] for entry in container["env"]}
        self.assertEqual(environment["QCONFIG_TOKEN_FILE"], f"{mount['mountPath']}/{token['path']}")
        self.assertLessEqual(set(environment), environment_variables("qconfigctl"))
        subject = f"system:serviceaccount:{account['metadata']['namespace']}:{account['metadata']['name']}"
        signed = self.issuer.token(subject, audience=token["audience"])
        self.assertAllowed(self.call("acme", *container["command"][1:], token=signed))


class InsecureTest(Variant, unittest.TestCase):
    folder = "overlays/insecure"
    app_protocol = "kubernetes.io/h2c"

    def test_is_insecure_and_needs_no_secret_and_no_policy(self):
        self.assertEqual(self.settings["QCONFIG_INSECURE"], "true")
        self.assertFalse([name for name in self.settings if name.startswith(("QCONFIG_TLS", "QCONFIG_AUTH"))])
        self.assertEqual(list(self.config_maps.values()), [self.config_map])
        self.assertEqual([mount["name"] for mount in self.container["volumeMounts"]], ["data"])
        self.assertFalse(self.pod["spec"].get("volumes"))

    def test_qconfigd_serves_with_these_settings(self):
        of_the_test = {"QCONFIG_LISTEN", "QCONFIG_DATA_DIR"}
        settings = {name: value for name, value in self.settings.items() if name not in of_the_test}
        with Server(**{**settings, "QCONFIG_ADMIN_LISTEN": "127.0.0.1:0"}) as server:
            self.assertEqual(qconfigctl("get-config", "llama", "--scheme", "fp8", server=server).returncode, 0)


class SourcesTest(unittest.TestCase):
    def test_each_file_is_valid_for_several_kubernetes_versions(self):
        files = [path for path in (DEPLOY / "kubernetes/base").glob("*.yaml") if path.name != "kustomization.yaml"]
        self.assertEqual(len(files), 4)
        # Its validator does not know the resources of cert-manager.
        validate(*files, DEPLOY / "kubernetes/examples/client-with-token.yaml")

    def test_manual_overlay(self):
        (commands,) = run_by("manifests")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(DEPLOY / "kubernetes", f"{folder}/deploy/kubernetes")
            environment = clean_environment(REGISTRY="127.0.0.1:5000", PATH=f"{TOOLS}:{os.environ['PATH']}")
            run_tool("bash", "-ec", commands, cwd=folder, env=environment)
            overlay = load_yaml(run_tool(TOOLS / "kustomize", "build", f"{folder}/my-qconfig"))
        by_kind = {resource["kind"]: resource for resource in overlay}
        (settings,) = (resource["data"] for resource in overlay if resource["metadata"]["name"].startswith("qconfigd-"))
        self.assertEqual(settings["QCONFIG_LOG_SAMPLE"], "0.1")
        self.assertIn("QCONFIG_CACHE_BYTES", settings)
        (policy,) = (resource["data"] for resource in overlay if resource["metadata"]["name"] == "qconfig-policy")
        self.assertEqual(policy["policy.yaml"], (DEPLOY / "kubernetes/base/policy/policy.yaml").read_text())
        image = by_kind["StatefulSet"]["spec"]["template"]["spec"]["containers"][0]["image"]
        self.assertRegex(image, r"^127\.0\.0\.1:5000/qconfig:")

    def test_deploy_uses_only_known_variables(self):
        known = environment_variables("qconfigd") | environment_variables("qconfigctl")
        known |= set(re.findall(r"\$\{(QCONFIG_[A-Z_]+)", "".join(path.read_text() for path in DEPLOY.glob("compose*.yaml"))))
        known |= set(re.findall(r"^option\((QCONFIG_[A-Z_]+)", (ROOT / "CMakeLists.txt").read_text(), re.M))
        named = {}
        for path in filter(lambda path: path.is_file() and "cmake" not in path.name.lower(), DEPLOY.rglob("*")):
            # The compose file itself reads "${...}", and CMake replaces "@...@".
            for variable in re.findall(r"(?<![@{])\bQCONFIG_[A-Z_]*[A-Z]\b", path.read_text()):
                named.setdefault(variable, str(path))
        self.assertEqual({variable: path for variable, path in named.items() if variable not in known}, {})


if __name__ == "__main__":
    skip_without(TOOLS / "kustomize")
    skip_without(TOOLS / "kubernetes-validate")
    unittest.main()
