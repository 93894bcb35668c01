# SPDX-License-Identifier: Apache-2.0
"""python -m qconfig_client get-config llama fp8"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NoReturn, Optional

import grpc

import qconfig_client
from qconfig_client._token_file import looks_like_token
from qconfig_client.config import warning_text

_EXIT_CODES = """Exit codes: 0 success, 1 request rejected by the server, 2 invalid command line, 3 server unavailable
or deadline exceeded."""
_UNAVAILABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


def main(arguments: Optional[Sequence[str]] = None) -> int:
    options = _parser().parse_args(arguments)
    wants_tls = options.tls or options.tls_ca or options.tls_cert or options.tls_key
    try:
        tls = qconfig_client.Tls(options.tls_ca, options.tls_cert, options.tls_key) if wants_tls else None
        with qconfig_client.connect(
            options.server,
            timeout=options.timeout,
            tls=tls,
            token_file=options.token_file,
            allow_unencrypted_token=options.allow_unencrypted_token or None,
            cache_dir=options.cache_dir,
        ) as client:
            config = client.get_config(
                options.model_type,
                options.scheme,
                options.algorithm,
                options.kv_cache_scheme,
                options.min_kv_scale,
                options.attention_scheme,
                options.layer,
                options.layer_type,
                [] if options.exclude_nothing else options.exclude,
                options.algo_config,
                [] if options.no_shared_scales else options.shared_scale_group,
                tenant=options.tenant,
                catalog=options.catalog,
                revision=options.revision,
                min_revision=options.min_revision,
            )
    except qconfig_client.QConfigError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3 if error.code in _UNAVAILABLE else 1
    except (OSError, TypeError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for warning in config.warnings:
        print(f"warning: {warning_text(warning)}", file=sys.stderr)
    json.dump(config.to_dict(), sys.stdout, indent=2, ensure_ascii=False)
    print()
    return 0


class _Parser(argparse.ArgumentParser):
    """Parses a command line. Commands use this class too."""

    def error(self, message: str) -> NoReturn:
        """Exits with the message, without words that are probably tokens."""
        if looks_like_token(message):
            words = " ".join(word for word in message.split() if not looks_like_token(word))
            message = f"{words}\nwrite a token to a file, and name that file with --token-file"
        super().error(message)


def _parser() -> _Parser:
    parser = _Parser(prog="python -m qconfig_client", allow_abbrev=False)
    commands = parser.add_subparsers(required=True, metavar="command")
    get_config = commands.add_parser(
        "get-config",
        help="print the configuration for a model type and a scheme, as Quark's JSON",
        epilog=_EXIT_CODES,
        allow_abbrev=False,
    )
    add = get_config.add_argument
    add("model_type", help="model type, such as llama")
    add("scheme", help="scheme for all layers, such as fp8")
    add("--algorithm", action="append", help="algorithm to run, such as awq; repeatable")
    add("--algo-config", action="append", type=_algo_config, metavar="NAME=JSON", help="configuration of an algorithm")
    add("--kv-cache-scheme", metavar="SCHEME")
    add("--min-kv-scale", type=float, default=0.0, metavar="NUMBER")
    add("--attention-scheme", metavar="SCHEME")
    add("--layer", action="append", type=_pair, metavar="PATTERN=SCHEME", help="by name; the first match wins")
    add("--layer-type", action="append", type=_pair, metavar="TYPE=SCHEME", help="Linear, Conv2d or ConvTranspose2d")
    exclude = get_config.add_mutually_exclusive_group()
    exclude.add_argument("--exclude", action="append", metavar="PATTERN", help="replaces the template's list")
    exclude.add_argument("--exclude-nothing", action="store_true")
    shared = get_config.add_mutually_exclusive_group()
    shared.add_argument("--shared-scale-group", action="append", type=_names, metavar="NAME,NAME")
    shared.add_argument("--no-shared-scales", action="store_true")
    add("--tenant", default="")
    add("--catalog", metavar="NAME", help="default: the installed amd-quark's, or else the tenant's; '': the tenant's")
    add("--revision", type=int, default=0)
    add("--min-revision", type=int, default=0)
    add("--server", default="localhost:50051")
    add("--timeout", type=float, default=10.0, metavar="SECONDS")
    add("--cache-dir", metavar="FOLDER", help="cache responses for when the server is unavailable")
    add("--tls", action="store_true", help="use TLS, and trust the system's certificate authorities")
    add("--tls-ca", metavar="FILE")
    add("--tls-cert", metavar="FILE")
    add("--tls-key", metavar="FILE")
    add("--token-file", metavar="FILE", help="token that authenticates the call; default: QCONFIG_TOKEN_FILE")
    add("--allow-unencrypted-token", action="store_true", help="send the token without TLS too")
    return parser


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no =")
    return name, value


def _algo_config(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise argparse.ArgumentTypeError(f"{text!r} has no =")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError as error:
        raise argparse.ArgumentTypeError(f"{value!r} is not valid JSON: {error}") from None


def _names(text: str) -> list[str]:
    return text.split(",")


if __name__ == "__main__":
    sys.exit(main())
