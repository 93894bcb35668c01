# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import asyncio
import gzip
import json
import os
import pickle
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Callable, Optional

import pytest
from conftest import ROOT, Server

import qconfig_client
from qconfig.v1 import config_service_pb2
from qconfig.v1.config_service_pb2 import ENTRY_VIEW_FULL
from qconfig.v1.registry_pb2 import LlmTemplate, Scheme
from qconfig_client import _to_quark, errors
from qconfig_client._connection import Options


def scheme(name: str = "mine") -> Scheme:
    result = Scheme(name=name)
    result.spec.weight.preset.spec = "Int8PerTensorSpec"
    result.spec.weight.preset.fields["is_dynamic"] = True
    return result


def test_get_config(client: qconfig_client.Client) -> None:
    config = client.get_config("llama", scheme="fp8", kv_cache_scheme="fp8", layer_config={"*mlp*": "mxfp4"})
    assert config.catalog == "quark-0.12.post1"
    assert config.revision == 1
    assert not config.stale
    assert not config.not_modified
    assert len(config.digest) == 64
    assert config.warnings == []
    assert config.proto.version == "0.12.post1"
    assert list(config.to_dict()["layer_quant_config"]) == ["*mlp*", "*k_proj", "*v_proj"]
    assert repr(config) == f"<Config {config.digest[:12]} of quark-0.12.post1, revision 1>"
    assert pickle.loads(pickle.dumps(config)) == config


def test_warnings(client: qconfig_client.Client) -> None:
    [warning] = client.get_config("llama", "fp8", exclude_layers=[]).warnings
    assert warning.field == "spec.exclude_layers"


def test_not_modified(client: qconfig_client.Client) -> None:
    digest = client.get_config("llama", "fp8").digest
    config = client.get_config("llama", "fp8", if_digest=digest)
    assert config.not_modified
    assert config.digest == digest
    with pytest.raises(ValueError, match="not modified"):
        config.to_dict()


@pytest.mark.parametrize("golden", ["overrides", "algorithms"])
def test_configurations_match_quark(client: qconfig_client.Client, golden: str) -> None:
    """Repeats recorded calls of Quark's get_config."""
    file = ROOT / f"tests/golden/quark-0.12.post1/{golden}.jsonl.gz"
    with gzip.open(file, "rt") as lines:
        cases = [json.loads(line) for line in lines][:400]
    answers = client.batch_get_config([arguments(case["request"]) for case in cases])
    assert len(answers) == len(cases) > 200
    for case, answer in zip(cases, answers):
        if "error" in case:
            assert isinstance(answer, errors.QConfigError), case["id"]
            quark = {"ValueError": ValueError, "NotImplementedError": NotImplementedError}.get(case["error"]["type"])
            assert quark is None or isinstance(answer, quark), (case["id"], answer)
        else:
            assert isinstance(answer, qconfig_client.Config), (case["id"], answer)
            assert ordered(answer.to_dict()) == ordered(case["config"]), case["id"]


def arguments(request: dict) -> dict:
    """Restores the arguments: the records have pairs instead of dicts, and class and fields instead of objects."""
    made = dict(request)
    for key in {"layer_config", "layer_type_config", "algo_configs"} & set(request):
        made[key] = dict(request[key])
    if "algo_configs" in made:
        made["algo_configs"] = {name: config["fields"] for name, config in made["algo_configs"].items()}
    return made


def ordered(config: dict) -> dict:
    """Makes the order significant in those dicts where it matters."""
    names = ("layer_quant_config", "layer_type_quant_config", "kv_cache_quant_config")
    return {**config, **{name: list(config[name].items()) for name in names}}


def test_lists_and_entries(client: qconfig_client.Client) -> None:
    page = client.list_templates(page_size=5)
    assert len(page.llm_templates) == 5
    names = [template.model_type for template in client.all_templates(page_size=7)]
    assert len(names) == page.total_size == len(set(names))
    with pytest.raises(TypeError):
        client.all_templates(page=7)
    schemes = list(client.all_schemes(catalog="quark-0.13", view=ENTRY_VIEW_FULL))
    assert schemes[0].HasField("config")
    assert client.get_template("llama").llm_template.kv_layers_name == ["*k_proj", "*v_proj"]
    assert client.get_scheme("fp8").scheme.name == "fp8"
    assert [catalog.name for catalog in client.list_catalogs().catalogs] == ["quark-0.12.post1", "quark-0.13"]


def test_writes_and_history(client: qconfig_client.Client) -> None:
    assert client.register_scheme(scheme(), validate_only=True).revision == 1
    registered = client.register_scheme(scheme())
    assert registered.revision == 2
    assert client.get_config("llama", "mine").revision == 2
    with pytest.raises(errors.SchemeExists):
        client.register_scheme(scheme())
    template = LlmTemplate(model_type="llama", exclude_layers_name=["mine"])
    assert client.register_template(template).shadows_builtin
    assert client.get_config("llama", "fp8").to_dict()["exclude"] == ["mine.*", "mine"]
    assert client.get_config("llama", "fp8", revision=2).to_dict()["exclude"] == ["lm_head.*", "lm_head"]
    with pytest.raises(errors.EtagMismatch):
        client.unregister_template("llama", etag="other")
    client.unregister_template("llama")
    client.unregister_scheme("mine", etag=registered.scheme.etag)
    assert client.list_changes().revision == 5
    changes = list(client.all_changes(page_size=1))
    assert [change.revision for change in changes] == [5, 4, 3, 2]
    assert {uuid.UUID(change.request_id).version for change in changes} == {4}


def test_replacing_a_scheme(client: qconfig_client.Client) -> None:
    first = client.register_scheme(scheme(), replace=True)
    assert (first.revision, first.replaced, list(first.warnings)) == (2, False, [])
    assert client.register_scheme(scheme(), replace=True).replaced
    with pytest.raises(errors.EtagMismatch):
        client.register_scheme(scheme(), etag=first.scheme.etag)
    second = client.register_scheme(scheme(), etag=client.get_scheme("mine").scheme.etag)
    assert (second.revision, second.replaced) == (4, True)


def test_write_warnings(client: qconfig_client.Client) -> None:
    copy = Scheme(name="copy", config=client.get_scheme("nvfp4").scheme.config)
    [warning] = client.register_scheme(copy).warnings
    assert warning.code == config_service_pb2.WARNING_CODE_SHARED_SCALES_DROPPED
    [warning] = client.register_template(LlmTemplate(model_type="llama")).warnings
    assert warning.code == config_service_pb2.WARNING_CODE_SHADOWS_BUILTIN


def test_must_be_new(client: qconfig_client.Client) -> None:
    template = LlmTemplate(model_type="mine")
    assert not client.register_template(template, must_be_new=True).replaced
    with pytest.raises(errors.TemplateExists):
        client.register_template(template, must_be_new=True)
    assert client.register_template(template).replaced


def test_default_catalog(client: qconfig_client.Client) -> None:
    with pytest.raises(errors.RevisionMismatch) as caught:
        client.set_default_catalog("quark-0.13", expected_revision=7)
    assert caught.value.newest_revision == 1
    assert client.set_default_catalog("quark-0.13", validate_only=True).revision == 1
    request_id = str(uuid.uuid4())
    response = client.set_default_catalog("quark-0.13", expected_revision=1, request_id=request_id)
    assert (response.revision, response.previous_catalog) == (2, "quark-0.12.post1")
    assert client.set_default_catalog("quark-0.13", expected_revision=1, request_id=request_id) == response
    assert client.get_config("llama", "fp8").catalog == "quark-0.13"
    client.set_default_catalog("quark-0.12.post1")
    assert len({change.request_id for change in client.all_changes()}) == 2
    with pytest.raises(errors.InvalidRequest):
        client.set_default_catalog("")
    with pytest.raises(errors.CatalogNotFound) as unknown:
        client.set_default_catalog("quark-0")
    assert unknown.value.allowed == ["quark-0.12.post1", "quark-0.13"]


def test_a_repeated_request_id_applies_a_write_once(client: qconfig_client.Client) -> None:
    request_id = str(uuid.uuid4())
    assert client.register_scheme(scheme(), request_id=request_id).revision == 2
    assert client.register_scheme(scheme(), request_id=request_id).revision == 2


def test_client_tenant_and_catalog(server: Server) -> None:
    with qconfig_client.connect(server.address, tenant="two", catalog="quark-0.13") as client:
        assert client.get_config("llama", "mx9").catalog == "quark-0.13"
        assert client.get_config("llama", "fp8", catalog="quark-0.12.post1").catalog == "quark-0.12.post1"
        [answer] = client.batch_get_config([{"model_type": "llama", "scheme": "mx9"}])
        assert isinstance(answer, qconfig_client.Config)
        client.register_scheme(scheme())
        with pytest.raises(errors.InvalidRequest):
            client.set_default_catalog("")  # the client's catalogue is for reads
        assert client.list_changes(tenant="three").revision == 1
        assert client.list_changes().revision == 2


@pytest.mark.parametrize("catalog", [None, "", "quark-0.12.post1"])
@pytest.mark.parametrize("release", [None, "0.13"])
def test_installed_quark_selects_the_catalogue(
    server: Server, monkeypatch: pytest.MonkeyPatch, release: Optional[str], catalog: Optional[str]
) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: release)
    expected = "quark-0.13" if release and catalog is None else "quark-0.12.post1"
    with qconfig_client.connect(server.address, catalog=catalog) as client:
        assert client.get_config("llama", "fp8").catalog == expected
        assert client.list_schemes().catalog == client.list_templates().catalog == expected
        assert client.get_scheme("fp8").catalog == client.get_template("llama").catalog == expected
        assert ("mx9" in {scheme.name for scheme in client.all_schemes()}) == (expected == "quark-0.13")
        # The argument of a method overrides it.
        assert client.get_config("llama", "fp8", catalog="").catalog == "quark-0.12.post1"
        assert client.get_config("llama", "fp8", catalog="quark-0.13").catalog == "quark-0.13"
        plain = {"model_type": "llama", "scheme": "fp8"}
        requests = [plain, qconfig_client.get_config_request(**plain), {**plain, "catalog": None}]
        others = [{**plain, "catalog": ""}, qconfig_client.get_config_request(**plain, catalog="quark-0.13")]
        answers = client.batch_get_config([*requests, *others])
        assert [answer.catalog for answer in answers] == [*[expected] * 3, "quark-0.12.post1", "quark-0.13"]
        copy = pickle.loads(pickle.dumps(client))
    monkeypatch.setattr(_to_quark, "installed_release", lambda: "0.1")
    with copy:
        assert copy.get_config("llama", "fp8").catalog == expected


def test_an_installed_quark_without_a_catalogue(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: "0.14")
    hint = r"client's default because amd-quark 0\.14 is installed\. Pass another `catalog`, or \"\" for"

    async def get_config_aio() -> None:
        async with qconfig_client.connect_aio(server.address) as client:
            await client.get_config("llama", "fp8")

    with pytest.raises(errors.CatalogNotFound, match=hint):
        asyncio.run(get_config_aio())
    with qconfig_client.connect(server.address) as client:
        with pytest.raises(errors.CatalogNotFound, match=hint) as caught:
            client.get_config("llama", "fp8")
        assert caught.value.allowed == ["quark-0.12.post1", "quark-0.13"]
        assert "quark-0.12.post1" in str(caught.value)
        [item] = client.batch_get_config([{"model_type": "llama", "scheme": "fp8"}])
        assert str(item) == str(caught.value)
        assert client.get_config("llama", "fp8", catalog="").catalog == "quark-0.12.post1"
        calls: list[Callable[[], object]] = [
            client.list_schemes,
            client.list_templates,
            lambda: client.get_scheme("fp8"),
            lambda: client.get_template("llama"),
            lambda: list(client.all_schemes()),
        ]
        for call in calls:
            with pytest.raises(errors.CatalogNotFound, match=hint):
                call()


def test_the_hint_is_only_for_a_catalogue_that_the_client_filled_in(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_to_quark, "installed_release", lambda: "0.14")
    message = config_service_pb2.GetConfigRequest(catalog="quark-0.14")
    message.spec.model_type, message.spec.scheme = "llama", "fp8"
    with qconfig_client.connect(server.address) as client:
        calls: list[Callable[[], object]] = [
            lambda: client.get_config("llama", "fp8", catalog="quark-0.15"),
            lambda: client.get_config("llama", "fp8", catalog="quark-0.14"),
            lambda: client.list_schemes(catalog="quark-0.14"),
            lambda: client.set_default_catalog("quark-0.14"),
        ]
        for call in calls:
            with pytest.raises(errors.CatalogNotFound) as caught:
                call()
            assert "amd-quark" not in str(caught.value)
        items = client.batch_get_config(
            [
                message,
                {"model_type": "llama", "scheme": "fp8", "catalog": "quark-0.14"},
                {"model_type": "llama", "scheme": "fp8"},
            ]
        )
        assert ["amd-quark" in str(item) for item in items] == [False, False, True]


def test_asyncio(server: Server) -> None:
    async def go() -> None:
        async with qconfig_client.connect_aio(server.address, tenant="asyncio") as client:
            configs = await asyncio.gather(*(client.get_config("llama", "fp8") for _ in range(20)))
            assert len({config.digest for config in configs}) == 1
            with pytest.raises(errors.SchemeNotFound) as caught:
                await client.get_config("llama", "pf8")
            assert caught.value.suggestions == ["fp8"]
            names = [template.model_type async for template in client.all_templates(page_size=7)]
            assert len(names) == (await client.list_templates()).total_size
            assert (await client.register_scheme(scheme())).revision == 2
        with pytest.raises(ValueError, match="closed"):
            await client.get_config("llama", "fp8")

    asyncio.run(go())


def test_each_event_loop_has_one_channel(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    open_channel = Options.open_channel
    monkeypatch.setattr(Options, "open_channel", lambda *given: opened.append(given) or open_channel(*given))
    client = qconfig_client.connect_aio(server.address)
    loops = [asyncio.new_event_loop() for _ in range(2)]
    for _ in range(5):
        for loop in loops:
            loop.run_until_complete(client.get_config("llama", "fp8"))
    assert len(opened) == 2
    for loop in loops:
        loop.close()
    asyncio.run(client.get_config("llama", "fp8"))
    assert len(client._connection._channels) == 1


def test_a_closed_client_raises(server: Server) -> None:
    with qconfig_client.connect(server.address) as client:
        client.get_config("llama", "fp8")
    with pytest.raises(ValueError, match="closed"):
        client.get_config("llama", "fp8")


@pytest.mark.parametrize("service_config", [qconfig_client.SERVICE_CONFIG, ""])
def test_unreachable_server(service_config: str) -> None:
    client = qconfig_client.connect("127.0.0.1:1", service_config=service_config)
    with client, pytest.raises(errors.ServerUnavailable) as caught:
        client.get_config("llama", "fp8")
    assert caught.value.reason == ""


def test_disabled_service_config(server: Server) -> None:
    with qconfig_client.connect(server.address, service_config="") as client:
        assert client.get_config("llama", "fp8").revision == 1


def test_deadline(client: qconfig_client.Client) -> None:
    begin = time.monotonic()
    with pytest.raises((errors.DeadlineExceeded, errors.RevisionInFuture)):
        client.get_config("llama", "fp8", min_revision=9, timeout=0.5)
    assert time.monotonic() - begin < 5


def test_a_client_survives_a_restart_of_the_server(new_server: Server) -> None:
    with qconfig_client.connect(new_server.address) as client:
        client.register_scheme(scheme())
        new_server.stop()
        new_server.start()
        assert client.get_config("llama", "mine").revision == 2


def test_import_creates_no_channel_and_imports_neither_torch_nor_quark() -> None:
    program = """
import grpc, grpc.aio, sys, threading
def fail(*arguments, **options): raise AssertionError("a channel")
for module in (grpc, grpc.aio): module.insecure_channel = module.secure_channel = fail
import qconfig_client, qconfig_client.__main__, qconfig_client.errors
client, other = qconfig_client.connect("localhost:1"), qconfig_client.connect_aio("localhost:1")
assert threading.active_count() == 1
assert not {"torch", "quark"} & set(sys.modules), sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_package_works_from_a_zip_file(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "packages"), "zip", ROOT / "client/python/src")
    program = "import qconfig_client as q; assert '.zip' in q.__file__; assert 'retryPolicy' in q.SERVICE_CONFIG"
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": archive})


def test_command_line(server: Server) -> None:
    def command(*words: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-m", "qconfig_client", "get-config", *words]
        return subprocess.run(line, capture_output=True, text=True)

    done = command("llama", "fp8", "--server", server.address, "--layer", "*=a*=mx6", "--exclude-nothing")
    assert done.returncode == 0
    assert list(json.loads(done.stdout)["layer_quant_config"]) == ["*=a*"]
    assert done.stderr.startswith('warning: spec.exclude_layers: "lm_head" is excluded by the template, but ')
    rejected = command("llama", "fp9", "--server", server.address)
    assert (rejected.returncode, rejected.stdout) == (1, "")
    assert rejected.stderr.startswith("error: spec.scheme: ")
    bad_json = command("llama", "fp8", "--algo-config", "awq={")
    assert bad_json.returncode == 2
    assert "'{' is not valid JSON: Expecting property name" in bad_json.stderr
    assert command("llama", "fp8", "--layer", "x").returncode == 2
    assert command("llama", "fp8", "--server", server.address, "--algo-config", 'awq={"x": 1}').returncode == 2
    assert command("llama", "fp8", "--server", "127.0.0.1:1").returncode == 3
