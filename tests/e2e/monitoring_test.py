# SPDX-License-Identifier: Apache-2.0
"""Alerts, dashboard and manual use metrics of a running qconfigd, in valid PromQL."""

import json
import re
import shutil
import tempfile
import unittest

from doc_blocks import blocks
from programs import ROOT, Server, skip_without
from scraped_metrics import scrape
from tools import TOOLS, load_yaml, run_tool

ALERTS = ROOT / "deploy/prometheus/alerts.yml"
ALERTS_TEST = ROOT / "tests/e2e/alerts_test.yml"
DASHBOARD = ROOT / "deploy/grafana/qconfig.json"
MANUAL = ROOT / "deploy/README.md"


def with_values(expression):
    """Replaces Grafana's variables in the expression with values."""
    return re.sub(r"\$\w+", ".+", expression.replace("$__rate_interval", "5m"))


class MonitoringTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with Server(QCONFIG_ADMIN_LISTEN="127.0.0.1:0") as server:
            cls.metrics = scrape(int(re.search(r"admin port on \S+ \(port (\d+)\)", server.text()).group(1)))
        (alerts,) = load_yaml(ALERTS.read_text())
        cls.alerts = [rule for group in alerts["groups"] for rule in group["rules"]]
        cls.dashboard = json.loads(DASHBOARD.read_text())
        cls.panels = [panel for panel in cls.dashboard["panels"] if panel["type"] != "row"]

    def check_expressions(self, expressions):
        rules = [{"record": f"r{number}", "expr": expression} for number, expression in enumerate(expressions)]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "expressions", "rules": rules}]}, file)
            file.flush()
            run_tool("promtool", "check", "rules", file.name)
        for expression in expressions:
            with self.subTest(expression=expression):
                self.assertEqual(self.metrics.unknown_in(expression), [])

    def test_alerts_are_valid_and_use_existing_metrics(self):
        run_tool("promtool", "check", "rules", ALERTS)
        self.check_expressions([rule["expr"] for rule in self.alerts])

    def test_every_alert_fires_in_a_test_and_none_on_a_healthy_server(self):
        run_tool("promtool", "test", "rules", ALERTS_TEST)
        (tests,) = load_yaml(ALERTS_TEST.read_text())
        samples = [sample for test in tests["tests"] for check in test["promql_expr_test"] for sample in check["exp_samples"]]
        self.assertEqual({f'{{alertname="{rule["alert"]}"}}' for rule in self.alerts}, {sample["labels"] for sample in samples})
        well = tests["tests"][0]
        self.assertEqual([check["exp_samples"] for check in well["promql_expr_test"]], [[], []])
        served = {series["series"].split("{")[0] for series in well["input_series"]}
        for rule in self.alerts:
            self.assertLessEqual(set(re.findall(r"\b(?:qconfig|grpc_server|process)_[a-z_]+", rule["expr"])), served)

    def test_every_alert_has_a_runbook(self):
        sections = re.findall(r"^#+ (Qconfig\w+)$", MANUAL.read_text(), re.M)
        self.assertEqual(sections, [rule["alert"] for rule in self.alerts])
        for rule in self.alerts:
            self.assertEqual(set(rule["annotations"]), {"summary", "description", "runbook"})
            self.assertEqual(rule["annotations"]["runbook"], f"deploy/README.md#{rule['alert'].lower()}")
            self.assertIn(rule["labels"]["severity"], ("warning", "critical"))

    def test_dashboard_uses_existing_metrics(self):
        self.check_expressions([with_values(target["expr"]) for panel in self.panels for target in panel["targets"]])
        for variable in self.dashboard["templating"]["list"]:
            if variable["type"] == "query":
                selector, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["definition"]).groups()
                self.check_expressions([with_values(f"sum by ({label}) ({selector})")])

    def test_dashboard_is_complete(self):
        variables = {variable["name"] for variable in self.dashboard["templating"]["list"]}
        self.assertEqual(variables, {"datasource", "job", "instance", "method"})
        identifiers = [panel["id"] for panel in self.dashboard["panels"]]
        self.assertEqual(len(set(identifiers)), len(identifiers))
        taken = set()
        for panel in self.dashboard["panels"]:
            place = panel["gridPos"]
            cells = {
                (column, line)
                for column in range(place["x"], place["x"] + place["w"])
                for line in range(place["y"], place["y"] + place["h"])
            }
            self.assertFalse(cells & taken, f"{panel['title']} covers another panel")
            taken |= cells
        self.assertLess(max(column for column, _ in taken), 24)
        for panel in self.panels:
            self.assertTrue(panel["description"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"])
            for target in panel["targets"]:
                self.assertEqual(target["datasource"], {"type": "prometheus", "uid": "${datasource}"})
                used = set(re.findall(r"\$(\w+)", target["expr"])) - {"__rate_interval"}
                self.assertLessEqual({"job", "instance"}, used)
                self.assertLessEqual(used, variables)

    def test_manual_lists_every_metric_with_its_labels(self):
        rows = re.findall(r"^\| `((?:qconfig|grpc_server|process)_[a-z_]+)` \|([^|]*)\|", MANUAL.read_text(), re.M)
        listed = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
        self.maxDiff = None
        self.assertEqual(listed, {name: self.metrics.labels(name) for name in self.metrics.types})

    def test_manual_promql(self):
        expressions = [block for block in blocks("deploy/README.md", "promql")]
        self.assertGreater(len(expressions), 3)
        self.check_expressions(expressions)


if __name__ == "__main__":
    skip_without(shutil.which("promtool") or "promtool")
    skip_without(TOOLS / "kubernetes-validate")
    unittest.main()
