# SPDX-License-Identifier: Apache-2.0
"""Uses the service as grpcurl finds it by reflection."""

import hashlib
import json
import subprocess
import unittest

from programs import ROOT, ServerTestCase, golden_cases, skip_without

GRPCURL = ROOT / "build/tools/bin/grpcurl"


class GrpcurlTest(ServerTestCase):
    def grpcurl(self, *arguments):
        return subprocess.run([GRPCURL, "-plaintext", *arguments], capture_output=True, text=True, timeout=60)

    def call(self, method, request):
        result = self.grpcurl("-d", json.dumps(request), self.server.address, method)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def test_services_are_listed(self):
        result = self.grpcurl(self.server.address, "list")
        self.assertIn("qconfig.v1.ConfigService", result.stdout.split())
        self.assertIn("grpc.health.v1.Health", result.stdout.split())
        self.assertIn("grpc.reflection.v1.ServerReflection", result.stdout.split())
        self.assertIn("grpc.reflection.v1alpha.ServerReflection", result.stdout.split())

    def test_get_config_equals_quarks_answer(self):
        request = {"model_type": "qwen3_moe", "scheme": "nvfp4", "kv_cache_scheme": "fp8"}
        golden = next(case for case in golden_cases("matrix") if case["request"] == request)
        response = self.call(
            "qconfig.v1.ConfigService/GetConfig", {"spec": request, "include_quark_json": True, "include_canonical_json": True}
        )
        self.assertEqual(json.dumps(json.loads(response["quark_json"])), json.dumps(golden["config"]))
        digest = hashlib.sha256(response["canonical_json"].encode()).hexdigest()
        self.assertEqual(response["config_digest"], digest)

    def test_health(self):
        response = self.call("grpc.health.v1.Health/Check", {"service": "qconfig.v1.ConfigService"})
        self.assertEqual(response, {"status": "SERVING"})

    def test_errors_are_readable(self):
        request = '{"spec": {"model_type": "lama", "scheme": "fp8"}}'
        result = self.grpcurl("-d", request, self.server.address, "qconfig.v1.ConfigService/GetConfig")
        self.assertNotEqual(result.returncode, 0)
        for text in ("Code: NotFound", "did you mean llama?", '"reason": "TEMPLATE_NOT_FOUND"', '"field": "spec.model_type"',
                     "type.googleapis.com/qconfig.v1.ErrorDetail"):
            self.assertIn(text, result.stderr)


if __name__ == "__main__":
    skip_without(GRPCURL)
    unittest.main()
