# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pickle

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from qconfig.v1.error_pb2 import ErrorDetail, ErrorReason, FieldViolation, ItemError, SuggestionKind, SuggestionReason
from qconfig.v1.plan_pb2 import Finding
from qconfig.v1.registry_pb2 import Scheme
from qconfig_client import Client, errors
from qconfig_client.errors import QConfigError, SchemeNotFound

REASONS = [name[len("ERROR_REASON_") :] for name in ErrorReason.keys() if name != "ERROR_REASON_UNSPECIFIED"]  # noqa: SIM118


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_a_class(reason: str) -> None:
    error = errors.from_item_error(
        ItemError(code=3, reason=ErrorReason.Value(f"ERROR_REASON_{reason}"), message="text")
    )
    assert type(error).__name__ == "".join(word.capitalize() for word in reason.split("_"))
    assert getattr(errors, type(error).__name__) is type(error)
    assert error.reason == reason
    assert str(error) == f"text ({reason})"


def test_every_class_has_a_proto_reason() -> None:
    assert sorted(errors._BY_REASON) == sorted(REASONS)


def test_an_unknown_reason() -> None:
    error = errors.from_item_error(ItemError(code=3, reason=999, message="text"))
    assert type(error) is QConfigError
    assert error.reason == ""
    assert error.code is grpc.StatusCode.INVALID_ARGUMENT


def test_server_error(client: Client) -> None:
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", scheme="int4_wo_12")
    error = caught.value
    assert error.code is grpc.StatusCode.NOT_FOUND
    assert error.reason == "SCHEME_NOT_FOUND"
    assert error.field == "spec.scheme"
    assert error.value == "int4_wo_12"
    assert error.suggestions == ["int4_wo_128", "int4_wo_32", "int4_wo_64"]
    assert error.allowed[:2] == ["int4_wo_32", "int4_wo_64"]
    assert len(error.allowed) == 10
    assert error.allowed_total == 27
    assert error.catalog == error.metadata["catalog"] == "quark-0.12.post1"
    assert error.message.startswith("spec.scheme: ")
    assert "int4_wo_128, int4_wo_32" in str(error)
    assert "int4_wo_32, int4_wo_64" in str(error)
    assert error.field_violations[0].field == "spec.scheme"
    assert isinstance(error, ValueError)


def test_the_reason_of_a_suggestion(client: Client) -> None:
    with pytest.raises(errors.TemplateNotFound, match="on this server has it") as caught:
        client.get_config("qwen3_5", "fp8")
    assert caught.value.suggestions == ["qwen3_5"]
    [reason] = caught.value.suggestion_reasons
    assert (reason.kind, reason.catalog) == (SuggestionKind.SUGGESTION_KIND_OTHER_CATALOG, "quark-0.13")
    assert "config.json" in caught.value.advice
    assert caught.value.message.endswith(caught.value.advice)


def test_a_suggestion_with_a_comma(client: Client) -> None:
    scheme = Scheme(name="a, b")
    scheme.spec.weight.preset.spec = "Int8PerTensorSpec"
    scheme.spec.weight.preset.fields["is_dynamic"] = True
    client.register_scheme(scheme)
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", scheme="a, c")
    assert caught.value.suggestions == ["a, b"]


def test_a_rule(client: Client) -> None:
    scheme = Scheme(name="mine")
    scheme.spec.weight.preset.spec = "Int9PerTensorSpec"
    with pytest.raises(errors.InvalidTensorConfig) as caught:
        client.register_scheme(scheme)
    assert caught.value.rule == "spec_unknown"


def test_every_field_of_the_detail() -> None:
    detail = ErrorDetail(
        field="revision",
        value="7",
        allowed=["a, b", "c"],
        allowed_total=12,
        suggestions=["a, b"],
        suggestion_reasons=[SuggestionReason(kind="SUGGESTION_KIND_OTHER_CATALOG", catalog="quark-0.13")],
        advice="Register it.",
        rule="spec_unknown",
        required_role="editor",
        retry_after_ms=40,
        tenant="acme",
        catalog="quark-0.13",
        first_revision=3,
        newest_revision=3_629_000_000_000,
        findings=[Finding(message="text")],
        finding_total=9,
    )
    error = errors.from_item_error(ItemError(code=11, reason="ERROR_REASON_REVISION_LOST", detail=detail))
    assert type(error) is errors.RevisionLost
    assert {field.name: getattr(error, field.name) for field in detail.DESCRIPTOR.fields} == {
        field.name: value for field, value in detail.ListFields()
    }
    assert (
        type(error.allowed) is type(error.suggestions) is type(error.suggestion_reasons) is type(error.findings) is list
    )


def test_without_a_detail_all_fields_are_empty() -> None:
    error = errors.from_item_error(ItemError(code=3, reason=1, metadata={"field": "spec", "allowed": "a, b"}))
    assert (error.field, error.value, error.rule, error.tenant, error.catalog) == ("", "", "", "", "")
    assert (error.allowed, error.suggestions, error.findings) == ([], [], [])
    assert (error.allowed_total, error.first_revision, error.newest_revision, error.finding_total) == (0, 0, 0, 0)


def failure(*details: Message, broken: str = "") -> errors.QConfigError:
    """The error of a status with `details`, followed by malformed bytes of the type `broken`."""

    class Failure(grpc.RpcError):
        def code(self) -> grpc.StatusCode:
            return grpc.StatusCode.NOT_FOUND

        def details(self) -> str:
            return "text"

        def trailing_metadata(self) -> list[tuple[str, bytes]]:
            status = status_pb2.Status()
            for detail in details:
                status.details.add().Pack(detail)
            if broken:
                status.details.add(type_url=f"type.googleapis.com/{broken}", value=b"\x0a\xff")
            return [("grpc-status-details-bin", status.SerializeToString())]

    return errors.from_rpc_error(Failure())


def test_a_malformed_detail_keeps_earlier_details() -> None:
    info = error_details_pb2.ErrorInfo(reason="SCHEME_NOT_FOUND", domain="qconfig.dev")
    error = failure(info, broken="qconfig.v1.ErrorDetail")
    assert type(error) is SchemeNotFound
    assert error.allowed == []


def test_a_detail_without_the_servers_error_info_is_ignored() -> None:
    detail = ErrorDetail(field="spec.scheme")
    for domain, field in (("qconfig.dev", "spec.scheme"), ("example.com", "")):
        info = error_details_pb2.ErrorInfo(reason="SCHEME_NOT_FOUND", domain=domain)
        assert failure(info, detail).field == failure(detail, info).field == field
    assert failure(detail).field == ""


def test_failed_batch_items_have_the_same_error_as_a_call(client: Client) -> None:
    [item] = client.batch_get_config([{"model_type": "llama", "scheme": "fp9"}])
    with pytest.raises(SchemeNotFound) as caught:
        client.get_config("llama", "fp9")
    assert isinstance(item, SchemeNotFound)
    assert vars(item) == vars(caught.value)


def test_errors_can_be_pickled() -> None:
    violations = [FieldViolation(field="scheme", description="text")]
    detail = ErrorDetail(field="scheme", suggestions=["a, b", "c"])
    metadata = {"field": "scheme"}
    message = ItemError(code=5, reason=3, message="text", metadata=metadata, field_violations=violations, detail=detail)
    error = errors.from_item_error(message)
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is SchemeNotFound
    assert vars(copy) == vars(error)
    assert copy.suggestions == ["a, b", "c"]
