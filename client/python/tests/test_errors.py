# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle

import grpc
import pytest

from qconfig.v1.error_pb2 import ErrorReason, FieldViolation, ItemError
from qconfig_client import Client, errors
from qconfig_client.errors import QConfigError, SchemeNotFound

REASONS = [name[len("ERROR_REASON_") :] for name in ErrorReason.keys() if name != "ERROR_REASON_UNSPECIFIED"]  # noqa: SIM118


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_class_of_its_name(reason: str) -> None:
    error = errors.from_item_error(
        ItemError(code=3, reason=ErrorReason.Value(f"ERROR_REASON_{reason}"), message="text")
    )
    assert type(error).__name__ == "".join(word.capitalize() for word in reason.split("_"))
    assert getattr(errors, type(error).__name__) is type(error)
    assert error.reason == reason
    assert str(error) == f"text ({reason})"


def test_no_class_is_of_a_reason_that_is_not_in_the_proto() -> None:
    assert sorted(errors._BY_REASON) == sorted(REASONS)


def test_a_reason_of_a_newer_server() -> None:
    error = errors.from_item_error(ItemError(code=3, reason=999, message="text"))
    assert type(error) is QConfigError
    assert error.reason == ""
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


def test_what_the_server_says(client: Client) -> None:
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", scheme="int4_wo_12")
    error = caught.value
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.reason == "SCHEME_NOT_FOUND"
    assert error.field == "scheme"
    assert error.value == "int4_wo_12"
    assert error.suggestion.startswith("int4_wo_128")
    assert error.allowed.startswith("int4_wo_32, ")
    assert error.metadata["catalog"] == "quark-0.12.post1"
    assert error.message.startswith("scheme: no scheme has this name")
    assert error.field_violations[0].field == "scheme"
    assert isinstance(error, ValueError)


def test_an_item_of_a_batch_fails_as_a_call_does(client: Client) -> None:
    [item] = client.batch_get_config([{"model_type": "llama", "scheme": "fp9"}])
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", "fp9")
    assert isinstance(item, SchemeNotFound)
    assert vars(item) == vars(caught.value)


def test_errors_can_be_pickled() -> None:
    violations = [FieldViolation(field="scheme", description="text")]
    message = ItemError(code=5, reason=3, message="text", metadata={"field": "scheme"}, field_violations=violations)
    error = errors.from_item_error(message)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is SchemeNotFound
    assert vars(copy) == vars(error)
