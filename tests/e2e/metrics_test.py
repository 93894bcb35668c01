# SPDX-License-Identifier: Apache-2.0
"""Checks /metrics and the log of a real qconfigd after known calls."""

import json
import re
import tempfile
import time
import unittest

from programs import Server, qconfigctl


def scrape(server):
    """Returns the value of each series."""
    status, text = server.probe("/metrics")
    assert status == 200, text
    return {series: float(value) for series, value in re.findall(r"^([a-z_]+(?:\{.*\})?) (\S+)$", text, re.M)}


def total(series, name, *labels):
    return sum(value for key, value in series.items() if key.split("{")[0] == name and all(label in key for label in labels))


class MetricsTest(unittest.TestCase):
    def test_calls_are_counted_and_logged(self):
        get = ["get-config", "llama", "--scheme", "fp8"]
        with Server("--metrics-tenants", "1", "--log-slow-ms", "0", "--log-sample", "0", "--log-format", "json") as server:
            for arguments in (get, get, ["--tenant", "b", *get]):
                self.assertEqual(qconfigctl(*arguments, server=server).returncode, 0)
            self.assertEqual(qconfigctl("get-config", "llama", "--scheme", "fp9", server=server).returncode, 1)
            series = scrape(server)
            method = 'grpc_method="GetConfig"'
            for name, expected in (("started_total", 4), ("msg_received_total", 4), ("msg_sent_total", 3), ("handling_seconds_count", 4)):
                self.assertEqual(total(series, f"grpc_server_{name}", method), expected, name)
            self.assertEqual(total(series, "grpc_server_handled_total", method, 'grpc_code="OK"'), 3)
            self.assertEqual(total(series, "grpc_server_handled_total", method, 'grpc_code="NotFound"'), 1)
            self.assertEqual(total(series, "grpc_server_handled_total"), 4)
            self.assertEqual(total(series, "qconfig_rejected_total", method, 'reason="SCHEME_NOT_FOUND"'), 1)
            self.assertEqual(total(series, "qconfig_rejected_total"), 1)
            self.assertEqual(series['qconfig_tenant_calls_total{tenant="default"}'], 3)
            self.assertEqual(series['qconfig_tenant_calls_total{tenant="other"}'], 1)
            self.assertEqual((series["qconfig_ready"], series["qconfig_store_revision"]), (1, 0))
            deadline = time.monotonic() + 30  # a separate thread writes the log
            while server.text().count('"msg":"call"') < 4 and time.monotonic() < deadline:
                pass
            calls = [line for line in map(json.loads, server.text().splitlines()) if line["msg"] == "call"]
            reported = [(line["method"].split("/")[-1], line["tenant"], line["reason"]) for line in calls]
            self.assertEqual([line[:2] for line in reported], [("GetConfig", "default")] * 2 + [("GetConfig", "b"), ("GetConfig", "default")])
            self.assertEqual(reported[-1][2], "SCHEME_NOT_FOUND")

    def test_cached_answers_are_counted_and_evicted(self):
        def excluded_by(server):
            done = qconfigctl("get-config", "mine", "--scheme", "fp8", server=server)
            self.assertEqual(done.returncode, 0, done.stderr)
            return json.loads(done.stdout)["exclude"][-1]

        def register(server, exclude):
            with tempfile.NamedTemporaryFile("w") as file:
                json.dump({"model_type": "mine", "exclude_layers_name": [exclude]}, file)
                file.flush()
                done = qconfigctl("register", "template", "-f", file.name, server=server)
            self.assertEqual(done.returncode, 0, done.stderr)

        with Server("--answer-cache-bytes", "3500") as server:  # enough for one answer
            register(server, "first")
            self.assertEqual([excluded_by(server) for _ in range(3)], ["first"] * 3)
            register(server, "second")
            self.assertEqual([excluded_by(server) for _ in range(2)], ["second"] * 2)
            self.assertEqual(qconfigctl("get-config", "llama", "--scheme", "fp8", server=server).returncode, 0)
            series = scrape(server)
            reported = {name: series[f"qconfig_answer_cache_{name}"] for name in ("hits_total", "misses_total", "evictions_total", "answers")}
            self.assertEqual(reported, {"hits_total": 3, "misses_total": 3, "evictions_total": 1, "answers": 1})
            self.assertLessEqual(series["qconfig_answer_cache_bytes"], series["qconfig_answer_cache_limit_bytes"])
            self.assertGreater(series['qconfig_tenant_disk_bytes{tenant="default"}'], 0)


if __name__ == "__main__":
    unittest.main()
