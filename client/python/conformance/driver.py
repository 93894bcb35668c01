# SPDX-License-Identifier: Apache-2.0
"""The driver of tests/conformance/clients for the Python client. --aio: uses AsyncClient.

Reads one operation per line from standard input, as JSON, and writes one JSON object per operation to standard output.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Union

from google.protobuf import json_format
from google.protobuf.message import Message

import qconfig_client
from qconfig.v1 import config_service_pb2, plan_pb2, registry_service_pb2
from qconfig.v1.config_service_pb2 import BatchGetConfigRequest, BatchGetConfigResponse, GetConfigRequest
from qconfig.v1.error_pb2 import ItemError
from qconfig.v1.plan_pb2 import PlanLayersRequest

Json = dict[str, Any]
Client = Union[qconfig_client.Client, qconfig_client.AsyncClient]

METHODS = {
    "GetConfig": "get_config",
    "BatchGetConfig": "batch_get_config",
    "PlanLayers": "plan_layers",
    "ListTemplates": "list_templates",
    "GetTemplate": "get_template",
    "ListSchemes": "list_schemes",
    "GetScheme": "get_scheme",
    "ListCatalogs": "list_catalogs",
    "WhoAmI": "who_am_i",
    "RegisterScheme": "register_scheme",
    "UnregisterScheme": "unregister_scheme",
    "RegisterTemplate": "register_template",
    "UnregisterTemplate": "unregister_template",
    "SetDefaultCatalog": "set_default_catalog",
    "ListChanges": "list_changes",
}
ITERATORS = {"ListTemplates": "all_templates", "ListSchemes": "all_schemes", "ListChanges": "all_changes"}


class Driver:
    """Uses Client."""

    client: Any = None

    def connect(self, line: Json) -> Json:
        if self.client is not None:
            self.result(self.client.close())
        tls = qconfig_client.Tls(**line["tls"]) if "tls" in line else None
        # By default, the client would use the catalogue of the installed amd-quark.
        names = {"tenant": line.get("tenant", ""), "catalog": line.get("catalog", "")}
        token = {name: line[name] for name in ("token_file", "allow_unencrypted_token") if name in line}
        self.client = self.new_client(line["server"], timeout=line.get("timeout_s", 10.0), tls=tls, **names, **token)
        return {"ok": True}

    def call(self, line: Json) -> Json:
        try:
            return {"response": answer(line, self.result(self.begin(line)))}
        except qconfig_client.QConfigError as error:
            return {"error": error_json(error)}

    def all(self, line: Json) -> Json:
        try:
            arguments = fields(parsed(line))
            return {"responses": [to_json(entry) for entry in self.entries(ITERATORS[line["method"]], arguments)]}
        except qconfig_client.QConfigError as error:
            return {"error": error_json(error)}

    def verify_digest(self, line: Json) -> Json:
        response = json_format.ParseDict(line["response"], config_service_pb2.GetConfigResponse())
        try:
            return {"ok": qconfig_client.verify_digest(response)}
        except ValueError as error:
            return {"error": {"message": str(error)}}

    def parallel(self, line: Json) -> Json:
        results = self.calls_at_once(line)
        return {
            "responses": [result["response"] for result in results if "response" in result],
            "errors": [result["error"] for result in results if "error" in result],
        }

    def begin(self, line: Json) -> Any:
        """Calls the client's method. Returns the result, or with AsyncClient an awaitable."""
        request = parsed(line)
        if isinstance(request, GetConfigRequest) and not request.HasField("spec"):
            return self.only_item(self.client.batch_get_config([request], timeout=line.get("timeout_s")))
        positional, named = split_arguments(request)
        method = getattr(self.client, METHODS[line["method"]])
        return method(*positional, **named, timeout=line.get("timeout_s"))

    def only_item(self, batch: Any) -> Any:
        """The result of a batch with one request, for a request without a spec, which `get_config` cannot send."""
        return raised(*batch)

    def new_client(self, server: str, **options: Any) -> Client:
        return qconfig_client.connect(server, **options)

    def result(self, value: Any) -> Any:
        return value

    def entries(self, iterator: str, arguments: Json) -> list[Message]:
        return list(getattr(self.client, iterator)(**arguments))

    def calls_at_once(self, line: Json) -> list[Json]:
        with ThreadPoolExecutor(line["count"]) as pool:
            return list(pool.map(self.call, [line] * line["count"]))


class AsyncDriver(Driver):
    """Uses AsyncClient."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()

    async def only_item(self, batch: Any) -> Any:
        return raised(*await batch)

    def new_client(self, server: str, **options: Any) -> Client:
        return qconfig_client.connect_aio(server, **options)

    def result(self, value: Awaitable[Any]) -> Any:
        return self._loop.run_until_complete(value)

    def entries(self, iterator: str, arguments: Json) -> list[Message]:
        async def entries() -> list[Message]:
            return [entry async for entry in getattr(self.client, iterator)(**arguments)]

        return self._loop.run_until_complete(entries())

    def calls_at_once(self, line: Json) -> list[Json]:
        async def one() -> Json:
            try:
                return {"response": answer(line, await self.begin(line))}
            except qconfig_client.QConfigError as error:
                return {"error": error_json(error)}

        async def calls() -> list[Json]:
            return await asyncio.gather(*(one() for _ in range(line["count"])))

        return self._loop.run_until_complete(calls())


def parsed(line: Json) -> Any:
    name = line["method"] + "Request"
    [module] = [module for module in (config_service_pb2, plan_pb2, registry_service_pb2) if hasattr(module, name)]
    return json_format.ParseDict(line["request"], getattr(module, name)())


def fields(request: Message) -> Json:
    return {field.name: value for field, value in request.ListFields()}


def split_arguments(request: Message) -> tuple[list[Any], Json]:
    """The positional and keyword arguments of the client's method for `request`."""
    if isinstance(request, GetConfigRequest):
        return [], get_config_arguments(request)
    if isinstance(request, BatchGetConfigRequest):
        return [list(request.requests)], {}
    if isinstance(request, PlanLayersRequest):
        return [request], {}
    named = fields(request)
    required = {
        "GetTemplateRequest": "model_type",
        "GetSchemeRequest": "name",
        "RegisterSchemeRequest": "scheme",
        "UnregisterSchemeRequest": "name",
        "RegisterTemplateRequest": "llm_template",
        "UnregisterTemplateRequest": "model_type",
        "SetDefaultCatalogRequest": "catalog",
    }.get(type(request).__name__)
    return ([named.pop(required, None)] if required else []), named


def get_config_arguments(request: GetConfigRequest) -> Json:
    named = fields(request)
    named.pop("include_quark_json", None)  # the client always sets it
    spec = named.pop("spec")
    named.update(
        fields(spec),
        model_type=spec.model_type,
        scheme=spec.scheme,
        layer_config=[(entry.pattern, entry.scheme) for entry in spec.layer_config],
        layer_type_config=[(entry.layer_type, entry.scheme) for entry in spec.layer_type_config],
        algo_configs=[
            (entry.algorithm, entry.config if entry.HasField("config") else None) for entry in spec.algo_configs
        ],
    )
    if spec.HasField("exclude_layers"):
        named["exclude_layers"] = list(spec.exclude_layers.patterns)
    if spec.HasField("shared_scale_groups"):
        named["shared_scale_groups"] = [list(group.layer_suffixes) for group in spec.shared_scale_groups.groups]
    return named


def raised(result: Any) -> Any:
    if isinstance(result, qconfig_client.QConfigError):
        raise result
    return result


def answer(line: Json, result: Any) -> Json:
    if isinstance(result, qconfig_client.Config):
        return to_json(as_requested(line["request"], result))
    if isinstance(result, list):
        batch = BatchGetConfigResponse()
        for item in result:
            if isinstance(item, qconfig_client.Config):
                batch.results.add(response=item.response)
            else:
                batch.results.add(error=item_error(item))
        return to_json(batch)
    return to_json(result)


def as_requested(request: Json, config: qconfig_client.Config) -> Any:
    """The response, without the `quark_json` that the client requests on its own."""
    response = config_service_pb2.GetConfigResponse()
    response.CopyFrom(config.response)
    if not request.get("include_quark_json", request.get("includeQuarkJson")):
        response.ClearField("quark_json")
    return response


def item_error(error: qconfig_client.QConfigError) -> ItemError:
    return ItemError(
        code=error.code.value[0],
        reason="ERROR_REASON_" + (error.reason or "UNSPECIFIED"),
        message=error.message,
        metadata=error.metadata,
        field_violations=[violation._asdict() for violation in error.field_violations],
        detail=error.detail,
    )


def error_json(error: qconfig_client.QConfigError) -> Json:
    return {
        "code": error.code.name,
        "reason": error.reason,
        "message": error.message,
        "field": error.field,
        "value": error.value,
        "allowed": error.allowed,
        "allowed_total": error.allowed_total,
        "suggestions": error.suggestions,
        "rule": error.rule,
        "required_role": error.required_role,
        "retry_after_ms": error.retry_after_ms,
        "tenant": error.tenant,
        "catalog": error.catalog,
        "first_revision": error.first_revision,
        "newest_revision": error.newest_revision,
        "findings": [to_json(finding) for finding in error.findings],
        "finding_total": error.finding_total,
        "metadata": error.metadata,
        "field_violations": [violation._asdict() for violation in error.field_violations],
        "type": type(error).__name__,
    }


def to_json(message: Message) -> Json:
    result: Json = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return result


def main() -> None:
    driver = AsyncDriver() if "--aio" in sys.argv else Driver()
    operations: dict[str, Callable[[Json], Json]] = {
        "connect": driver.connect,
        "call": driver.call,
        "all": driver.all,
        "verify_digest": driver.verify_digest,
        "parallel": driver.parallel,
    }
    for text in sys.stdin.buffer:
        try:
            line = json.loads(text)
            reply = operations[line["op"]](line)
        except Exception as error:  # an invalid line must not stop the driver
            reply = {"driver_error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
