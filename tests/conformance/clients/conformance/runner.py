# SPDX-License-Identifier: Apache-2.0
"""Runs the cases with the driver of one language."""

import re
import signal
import sys

from google.protobuf import json_format

from conformance import cases, messages
from conformance.access import WithoutPolicy, WithPolicy
from conformance.driver import Driver, DriverFailed
from conformance.expect import TooLate, Unexpected, at, check_answer, check_error, show
from conformance.results import LANGUAGES
from conformance.servers import CaseServer, Certificates

EXPECTED = {"expect", "save"}
STEPS = {  # key that identifies the kind of step -> its other keys
    "connect": {"fails"},
    "call": {"request", "timeout_s", "meanwhile", *EXPECTED},
    "all": {"request", *EXPECTED},
    "parallel": {"method", "request", "expect", "meanwhile"},
    "verify_digest": {"with", "expect"},
    "do": {"options", "line", "state", "from", "to", "arguments", "input", "faults", "count", "same"},
}
RUNS_OF_RACES = 5


class CaseRun:
    """One case with one driver. The client is connected to the case's server unless a step connects it elsewhere."""

    def __init__(self, case, driver, access):
        self._driver = driver
        self._access = access
        self._case = case
        self._options = case.get("server", {})
        self._connection = access.connection(case)
        self._server = CaseServer(self._server_options(), self._connection)
        self._saved = {"server": self._server.address, "port": self._server.address.rpartition(":")[2], "admin": self._server.admin,
                       "tls": str(access.certificates.path), "expired": access.certificates.expired_server}
        self._last = "before the first step"

    def _server_options(self, options=None):
        kind = self._options.get("tls")
        tls = self._access.certificates.options(kind) if kind else []
        return [*tls, *self._access.server_options(self._case), *(options or self._options.get("options", []))]

    def run(self, steps):
        self._connect({})
        for step in steps:
            self._run(step)

    def close(self):
        self._server.close()

    def last_exchange(self):
        """Returns the last operation and its answer as text."""
        return self._last

    def _run(self, step):
        step = cases.filled_in(step, self._saved)
        kinds = [kind for kind in STEPS if kind in step and set(step) <= {kind} | STEPS[kind]]
        if len(kinds) != 1:
            raise ValueError(f"unknown step: {show(step)}")
        getattr(self, f"_{kinds[0]}")(step)

    def _send(self, operation):
        self._last = f"sent: {show(operation)}"
        self._driver.send(operation)

    def _receive(self):
        answer = self._driver.receive()
        self._last += f"\ngot:  {show(answer, 6000)}"
        return answer

    def _connect(self, step):
        keys = {"server": self._server.address, **self._connection, **step.get("connect", {})}
        self._send({"op": "connect", **{key: value for key, value in keys.items() if value is not None}})
        answer = self._receive()
        if "fails" in step:
            self._check_failure(step["fails"], answer)
        elif answer != {"ok": True}:
            raise Unexpected(f'expected {{"ok": true}}, got {show(answer)}')

    def _check_failure(self, pattern, connected):
        """Checks that connecting fails, or the first call as UNAVAILABLE or in the client, with a text that matches."""
        text = connected.get("driver_error", "")
        if connected == {"ok": True}:
            self._send({"op": "call", "method": "ListCatalogs", "request": {}})
            answer = self._receive()
            error = answer.get("error", {})
            if "driver_error" not in answer and (error.get("code") not in ("UNAVAILABLE", "FAILED_PRECONDITION") or error.get("reason")):
                raise Unexpected("expected UNAVAILABLE, or a failure in the client")
            text = answer.get("driver_error") or error["message"]
        if not re.search(pattern, text, re.S):
            raise Unexpected(f"expected {pattern}, got {show(text)}")

    def _check(self, step, answer, normal):
        """Compares {"response"} or {"error"} with what the step expects. Returns the response in normal form, or the error."""
        expected = step.get("expect", {})
        if "error" in expected:
            if set(answer) != {"error"}:
                raise Unexpected("expected an error")
            error = messages.error(answer["error"])
            check_error(expected["error"], error)
            return error
        if "error" in answer or "driver_error" in answer:
            error = answer.get("error", {})
            unreachable = error.get("code") == "UNAVAILABLE" and not error.get("reason")
            raise (TooLate if unreachable else Unexpected)("expected an answer")
        response = normal(answer)
        check_answer(expected, response)
        return response

    def _call(self, step):
        operation = {"op": "call", "method": step["call"], "request": step.get("request", {})}
        if "timeout_s" in step:
            operation["timeout_s"] = step["timeout_s"]
        self._send(operation)
        self._meanwhile(step)
        got = self._check(step, self._receive(), lambda answer: messages.response(step["call"], answer["response"]))
        cases.save(step, got, self._saved)

    def _meanwhile(self, step):
        for meanwhile in step.get("meanwhile", []):
            self._do(meanwhile)

    def _all(self, step):
        self._send({"op": "all", "method": step["all"], "request": step.get("request", {})})
        normal = lambda answer: [messages.entry(step["all"], entry) for entry in answer["responses"]]  # noqa: E731
        cases.save(step, self._check(step, self._receive(), normal), self._saved)

    def _parallel(self, step):
        count, method = step["parallel"], step["method"]
        self._send({"op": "parallel", "count": count, "method": method, "request": step.get("request", {})})
        self._meanwhile(step)
        answer = self._receive()
        responses, errors = answer.get("responses", []), answer.get("errors", [])
        if len(responses) + len(errors) != count:
            raise Unexpected(f"expected {count} answers, got {len(responses)} and {len(errors)} errors")
        for response in responses:
            self._check(step, {"response": response}, lambda one: messages.response(method, one["response"]))
        for error in errors:
            self._check(step, {"error": error}, None)

    def _verify_digest(self, step):
        self._send({"op": "verify_digest", "response": {**step["verify_digest"], **step.get("with", {})}})
        answer = self._receive()
        if step["expect"] == "rejected":
            accepted = answer == {"ok": False} or set(answer) == {"error"}
        else:
            accepted = answer == {"ok": step["expect"]}
        if not accepted:
            raise Unexpected(f"expected {show(step['expect'])}")

    def _do(self, step):
        """Performs a `do` step; see README.md."""
        server = self._server
        what = step["do"]
        actions = {
            "start": lambda: server.start(self._server_options(step.get("options"))),
            "stop": server.end,
            "kill": lambda: server.end(signal.SIGKILL),
            "begin shutdown": server.begin_shutdown,
            "wait for metric": lambda: server.wait_for_metric(step["line"]),
            "hold call": server.hold_call,
            "hold write": server.hold_write,
            "lock writes": server.lock_writes,
            "release": server.release,
            "storage": lambda: server.storage(step["state"]),
            "back up": server.back_up,
            "restore": server.restore,
            "rename scheme": lambda: server.rename_scheme(step["from"], step["to"]),
            "rename default catalog": lambda: server.rename_default_catalog(step["from"], step["to"]),
            "qconfigctl": lambda: server.qconfigctl(step["arguments"], step.get("input", "")),
            "start proxy": lambda: self._saved.update(proxy=server.start_proxy(step.get("faults", []))),
            "check attempts": lambda: self._check_attempts(step),
        }
        actions[what]()

    def _check_attempts(self, step):
        """Checks how many attempts reached the proxy since the last check, and that a field has the same value in each."""
        attempts, self._server.proxy.attempts = self._server.proxy.attempts, []
        requests = [messages.request_from_bytes(*attempt) for attempt in attempts]
        self._last += f"\nattempts: {show([attempt[0] for attempt in attempts])}"
        if len(requests) != step["count"]:
            raise Unexpected(f"expected {step['count']} attempts, got {len(requests)}")
        if "same" in step:
            values = [at(request, step["same"]) for request in requests]
            if len(set(values)) != 1 or not values[0]:
                raise Unexpected(f"expected the same {step['same']} in each try, got {show(values)}")


def _problem(failure):
    if isinstance(failure, DriverFailed):
        return str(failure)
    if isinstance(failure, json_format.ParseError):
        return f"the answer cannot be parsed: {failure}"
    return f"{type(failure).__name__}: {failure}"


def _run_once(case, driver, access):
    """Returns the failures in order, and the last operation and answer."""
    failures = []

    def attempt(action):
        try:
            return action()
        except Exception as failure:  # a failed case does not stop the others
            failures.append(failure)

    run = attempt(lambda: CaseRun(case, driver, access))
    if run is None:
        return failures, ""
    attempt(lambda: run.run(case["steps"]))
    attempt(run.close)
    attempt(driver.settle)
    return failures, run.last_exchange()


def _run_case(language, case, driver, access):
    """Returns "ok" or the failure. Repeats a race in which the server started too late."""
    runs = RUNS_OF_RACES if case.get("race") else 1
    while True:
        failures, exchange = _run_once(case, driver, access)
        if not failures:
            return "ok"
        result = "\n".join([*map(_problem, failures), exchange])
        runs -= 1
        if runs == 0 or any(not isinstance(failure, TooLate) for failure in failures):
            return result
        _print_result(language, case, f"{result}\nThe server may have started too late: running the case again.")


def _print_result(language, case, result):
    print(f"\n{language}: {case['name']}: {case['says']}\n{result}\n", file=sys.stderr, flush=True)


def _run_all(language, chosen, access, results):
    driver = None
    try:
        for case in chosen:
            if driver is None or driver.ended:
                driver = Driver(LANGUAGES[language])
            results[case["name"]] = _run_case(language, case, driver, access)
            if results[case["name"]] != "ok":
                _print_result(language, case, results[case["name"]])
    finally:
        if driver is not None:
            driver.close()


def run(language, chosen, identity):
    """Returns {case: "ok" or the failure}, and prints failures as they occur. Cases after a driver failure are missing.

    identity: whether the servers have a policy.
    """
    certificates = Certificates()
    results = {}
    try:
        _run_all(language, chosen, (WithPolicy if identity else WithoutPolicy)(certificates), results)
    except Exception as failure:  # a failed driver does not stop the other languages
        case = chosen[min(len(results), len(chosen) - 1)]
        results[case["name"]] = _problem(failure)
        _print_result(language, case, results[case["name"]])
    finally:
        certificates.close()
    return results
