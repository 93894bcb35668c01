# SPDX-License-Identifier: Apache-2.0
"""The messages of the protos, and answers brought into one form."""

import pathlib
import subprocess
import tempfile

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

ROOT = pathlib.Path(__file__).resolve().parents[4]
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
    """The values of an enum but for the first, which is never sent, without their prefix."""
    values = POOL.FindEnumTypeByName(f"qconfig.v1.{name}").values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    return [value.name.removeprefix(prefix) for value in values[1:]]


def _normal(descriptor, answer):
    message = message_factory.GetMessageClass(descriptor)()
    json_format.ParseDict(answer, message, descriptor_pool=POOL)
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )


def response(method, answer):
    """A response in ProtoJSON of any legal form, as ProtoJSON with proto field names and defaults."""
    return _normal(METHODS[method].output_type, answer)


def entry(method, answer):
    """The same for an entry of a list."""
    return _normal(POOL.FindMessageTypeByName(f"qconfig.v1.{ENTRIES[method]}"), answer)


def status_bytes(status):
    """A google.rpc.Status that is given as ProtoJSON."""
    message = message_factory.GetMessageClass(POOL.FindMessageTypeByName("google.rpc.Status"))()
    json_format.ParseDict(status, message, descriptor_pool=POOL)
    return message.SerializeToString()


def request_from_bytes(method, content):
    """A request that was sent, as ProtoJSON with proto field names and defaults."""
    message = message_factory.GetMessageClass(METHODS[method].input_type).FromString(content)
    return json_format.MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True, descriptor_pool=POOL
    )
