# SPDX-License-Identifier: Apache-2.0
"""Messages of qconfig.v1, certificates, and channels."""

import atexit
import functools
import glob
import importlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import types
import uuid


def make_stubs(proto):
    """Compiles the .proto files once; child processes find the result through the environment."""
    if "QCONFIG_ATTACK_STUBS" in os.environ:
        return
    files = [os.path.relpath(f, proto) for f in glob.glob(os.path.join(proto, "qconfig/v1/*.proto"))]
    if not files:
        sys.exit(f"no qconfig/v1/*.proto in {proto}; run from the project's root or give --proto")
    out = tempfile.mkdtemp(prefix="qconfig-attack-stubs-")
    atexit.register(shutil.rmtree, out, True)
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", f"-I{proto}", f"--python_out={out}", *files], check=True)
    os.environ["QCONFIG_ATTACK_STUBS"] = out


@functools.cache
def pb():
    """All messages of qconfig.v1 by name, and `method`: the path, request and response class of each method."""
    out, messages = os.environ["QCONFIG_ATTACK_STUBS"], types.SimpleNamespace(method={})
    if out not in sys.path:
        sys.path.insert(0, out)
    modules = [
        importlib.import_module("qconfig.v1." + os.path.basename(f)[:-3]) for f in sorted(glob.glob(out + "/qconfig/v1/*_pb2.py"))
    ]
    for module in modules:
        for name in module.DESCRIPTOR.message_types_by_name:
            setattr(messages, name, getattr(module, name))
    for module in modules:
        for service in module.DESCRIPTOR.services_by_name.values():
            for m in service.methods:
                messages.method[m.name] = (
                    f"/{service.full_name}/{m.name}",
                    getattr(messages, m.input_type.name),
                    getattr(messages, m.output_type.name),
                )
    return messages


def certificates():
    """The directory of a certificate authority, `ca`, and of what it has signed: server, honest and greedy. Made once, with openssl."""
    if "QCONFIG_ATTACK_TLS" not in os.environ:
        d = os.environ["QCONFIG_ATTACK_TLS"] = tempfile.mkdtemp(prefix="qconfig-attack-tls-")
        atexit.register(shutil.rmtree, d, True)
        for name in ("ca", "server", "honest", "greedy"):
            signed = (
                []
                if name == "ca"
                else [
                    "-CA",
                    f"{d}/ca.crt",
                    "-CAkey",
                    f"{d}/ca.key",
                    "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1",
                    "-addext",
                    "basicConstraints=critical,CA:FALSE",
                ]
            )
            subprocess.run(
                [
                    "openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    f"/CN={name}",
                    "-keyout",
                    f"{d}/{name}.key",
                    "-out",
                    f"{d}/{name}.crt",
                    *signed,
                ],
                check=True,
                stderr=subprocess.DEVNULL,
            )
    return os.environ["QCONFIG_ATTACK_TLS"]


def tls(name=None):
    """For raw sockets: with the certificate of `name`, or with none."""
    context = ssl.create_default_context(cafile=certificates() + "/ca.crt")
    context.set_alpn_protocols(["h2"])
    if name:
        context.load_cert_chain(f"{certificates()}/{name}.crt", f"{certificates()}/{name}.key")
    return context


def channel(port, aio=False, name="honest"):
    """To a server with TLS if certificates() have been made."""
    import grpc

    options = [
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 50),
        ("grpc.max_reconnect_backoff_ms", 200),
    ]
    library = grpc.aio if aio else grpc
    if "QCONFIG_ATTACK_TLS" not in os.environ:
        return library.insecure_channel(f"127.0.0.1:{port}", options=options)
    read = lambda file: open(os.path.join(certificates(), file), "rb").read()
    return library.secure_channel(
        f"127.0.0.1:{port}",
        grpc.ssl_channel_credentials(read("ca.crt"), read(name + ".key"), read(name + ".crt")),
        options=options,
    )


def rpc(chan, method):
    path, _, response = pb().method[method]
    return chan.unary_unary(
        path,
        request_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString(),
        response_deserializer=response.FromString,
    )


def outcome(call, *args, **kwargs):
    """ "OK", or the status code's name and the beginning of the message."""
    import grpc

    try:
        call(*args, **kwargs)
    except grpc.RpcError as e:
        return f"{e.code().name}: {(e.details() or '')[:60]}"
    return "OK"


def scheme(tenant, name):
    request = pb().RegisterSchemeRequest(tenant=tenant, request_id=str(uuid.uuid4()))
    request.scheme.name = name
    preset = request.scheme.spec.weight.preset
    preset.spec = "Int4PerGroupSpec"
    preset.fields.update({"ch_axis": -1, "group_size": 48})
    return request


def template(tenant, model_type, patterns, length=1000):
    """A template of about `patterns` x `length` bytes."""
    request = pb().RegisterTemplateRequest(tenant=tenant, request_id=str(uuid.uuid4()))
    request.llm_template.model_type = model_type
    request.llm_template.exclude_layers_name.extend((f"{model_type}.{i}_" + "x" * length)[:length] for i in range(patterns))
    return request


def fill(server, tenant, templates):
    """Registers as many templates of 400 KB each, one after the other."""
    with channel(server.port) as connection:
        write = rpc(connection, "RegisterTemplate")
        for i in range(templates):
            write(template(tenant, f"m{i}", 400), timeout=20)


def config_request(message=None, **fields):
    """A GetConfigRequest of `fields`, which may also be those of its spec."""
    message = pb().GetConfigRequest() if message is None else message
    for name, value in fields.items():
        target = message if name in message.DESCRIPTOR.fields_by_name else message.spec
        if isinstance(value, list):
            getattr(target, name).extend(value)
        else:
            setattr(target, name, value)
    return message


def overrides(tenant, count=10000, json_forms=False):
    """A small request (17 bytes an override) with a large, costly answer."""
    request = config_request(
        tenant=tenant, model_type="llama", scheme="fp8", include_quark_json=json_forms, include_canonical_json=json_forms
    )
    for i in range(count):
        request.spec.layer_config.add(pattern=f"*l{i}", scheme="nvfp4")
    return request
