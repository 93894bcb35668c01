# SPDX-License-Identifier: Apache-2.0
"""Loads the messages of the contract and converts answers to one form."""

import hashlib
import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

from digest_test import canonical
from programs import ROOT

SERVICES = ("ConfigService", "RegistryService")
ENTRIES = {"ListTemplates": "LlmTemplate", "ListSchemes": "Scheme", "ListChanges": "ChangeRecord"}


def _load():
    protos = [str(path.relative_to(ROOT / "proto")) for path in sorted((ROOT / "proto/qconfig/v1").glob("*.proto"))]
    with tempfile.NamedTemporaryFile() as file:
        folders = ["-I", ROOT / "proto", "-I", ROOT / "proto/external"]
        protos += ["google/rpc/status.proto", "google/rpc/error_details.proto"]
        subprocess.run(["protoc", *folders, "--include_imports", "-o", file.name, *protos], check=True)
        files = descriptor_pb2.FileDescriptorSet.FromString(pathlib.Path(file.name).read_bytes())
    pool = descriptor_pool.DescriptorPool()
    for file in files.file:
        pool.Add(file)
    return pool


POOL = _load()
METHODS = {
    method.name: method
    for service in SERVICES
    for method in POOL.FindServiceByName(f"qconfig.v1.{service}").methods
}


def enum_names(name):
    """Returns the values of an enum without their prefix, except for the first, which is never sent."""
    values = POOL.FindEnumTypeByName(f"qconfig.v1.{name}").values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return [value.name.removeprefix(prefix) for value in values[1:]]


def _to_json(message, defaults=True):
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=defaults, descriptor_pool=POOL
    )


def _parsed(descriptor, answer):
    message = message_factory.GetMessageClass(descriptor)()
    json_format.ParseDict(answer, message, descriptor_pool=POOL)
    return message


def _check_digest(answer):
    """Checks that the driver's form of a configuration has the digest that the server computed."""
    if not answer.HasField("config"):
        return
    text = canonical(_to_json(answer.config, defaults=False))
    if hashlib.sha256(text.encode()).hexdigest() != answer.config_digest:
        raise ValueError(f"config_digest {answer.config_digest} is not the digest of config: {text}")


def response(method, answer):
    """Converts a response in any legal ProtoJSON to ProtoJSON with proto field names and defaults. Checks digests."""
    message = _parsed(METHODS[method].output_type, answer)
    if method == "GetConfig":
        _check_digest(message)
    elif method == "BatchGetConfig":
        for item in message.results:
            _check_digest(item.response)
    return _to_json(message)


def error(answer):
    """Returns an error in which the findings are converted in the same way."""
    descriptor = POOL.FindMessageTypeByName("qconfig.v1.Finding")
    return {**answer, "findings": [_to_json(_parsed(descriptor, finding)) for finding in answer.get("findings", [])]}


def entry(method, answer):
    """Converts an entry of a list in the same way."""
    return _to_json(_parsed(POOL.FindMessageTypeByName(f"qconfig.v1.{ENTRIES[method]}"), answer))


def status_bytes(status):
    """Returns the bytes of a google.rpc.Status that is given as ProtoJSON."""
    return _parsed(POOL.FindMessageTypeByName("google.rpc.Status"), status).SerializeToString()


def request_from_bytes(method, content):
    """Returns the request as ProtoJSON with proto field names and defaults."""
    return _to_json(message_factory.GetMessageClass(METHODS[method].input_type).FromString(content))
