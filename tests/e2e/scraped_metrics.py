# SPDX-License-Identifier: Apache-2.0
"""Reads /metrics of a running qconfigd and compares PromQL expressions with it."""

import http.client
import re

# Added by Prometheus.
ADDED_METRICS = {"up"}
ADDED_LABELS = {"job", "instance"}


def scrape(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/metrics")
    return Metrics(connection.getresponse().read().decode())


class Metrics:
    def __init__(self, text):
        self.types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.M))
        self.series = {}  # name -> [{label: value}]
        for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? \S+$", text, re.M):
            self.series.setdefault(name, []).append(dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels)))

    def labels(self, name):
        """Returns the label names of a metric, without the `le` of a histogram."""
        series = self.series.get(name) or self.series[name + "_bucket"]
        return {label for labels in series for label in labels} - {"le"}

    def unknown_in(self, expression):
        """Returns the metrics, labels and label values in `expression` that the server does not have."""
        asked = re.findall(r"\b((?:qconfig|grpc_server|process)_[a-z_]+|up)\b(?:\{(.*?)\})?", expression)
        unknown = [name for name, _ in asked if name not in self.series and name not in ADDED_METRICS]
        if unknown or not asked:
            return unknown or [f"no metric in {expression}"]
        known_labels = ADDED_LABELS.union(*(labels for name, _ in asked for labels in self.series.get(name, [])))
        for group in re.findall(r"\b(?:by|on|without|ignoring) \(([^)]*)\)", expression):
            unknown += [label for label in re.split(r",\s*", group) if label not in known_labels]
        for name, selector in asked:
            for label, pattern in re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"', selector):
                if label in ADDED_LABELS:
                    continue
                values = [labels.get(label, "") for labels in self.series[name]]
                for alternative in pattern.split("|"):
                    if not any(re.fullmatch(alternative, value) for value in values):
                        unknown.append(f'{name}{{{label}="{alternative}"}}')
        return unknown
