# SPDX-License-Identifier: Apache-2.0
"""A client for qconfig, a server of LLM quantization configurations.

config = connect("localhost:50051").get_config("llama", scheme="fp8", layer_config={"*mlp*": "mxfp4"})
"""

from qconfig_client import _fork  # noqa: F401  # must precede the import of grpc
from qconfig_client._async_client import AsyncClient
from qconfig_client._connection import SERVICE_CONFIG, Tls
from qconfig_client._request import algo_config, get_config_request
from qconfig_client.client import Client
from qconfig_client.config import Config
from qconfig_client.digest import canonical_json, config_digest, verify_digest
from qconfig_client.errors import QConfigError
from qconfig_client.plan import Plan

connect = Client
connect_aio = AsyncClient

__all__ = [
    "SERVICE_CONFIG",
    "AsyncClient",
    "Client",
    "Config",
    "Plan",
    "QConfigError",
    "Tls",
    "algo_config",
    "canonical_json",
    "config_digest",
    "connect",
    "connect_aio",
    "get_config_request",
    "verify_digest",
]
