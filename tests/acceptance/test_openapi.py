"""The OpenAPI document of an app, from its host and from the command line."""

import json
from pathlib import Path

import pytest
from openapi_spec_validator import validate

from tests.support.durable import ORCHESTRATOR, ORCHESTRATORS, orchestrator
from tests.support.hosts import PATIENCE, http, launched, running, write_app

APP = {
    "Products/__init__.py": "def main(req) -> str:\n    return str(dict(req.route_params))\n",
    "Products/function.json": http(route="products/{category:alpha}/{id:int?}", methods=["get"], authLevel="function"),
    "Who/__init__.py": orchestrator(ORCHESTRATORS["Who"]),
    "Who/function.json": ORCHESTRATOR,
}
SQLITE = {"AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "sqlite"}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    return write_app(tmp_path / "shop", {**APP, "local.settings.json": '{"IsEncrypted": false}'})


def test_a_host_describes_what_it_serves(app: Path) -> None:
    with running(app, **SQLITE) as host:
        document = host.get("/admin/openapi.json").json()
        validate(document)
        assert document["info"]["title"] == "shop"
        assert document["servers"] == [{"url": str(host.client.base_url)}]
        for path in ("/api/products/{category}/{id}", "/api/products/{category}"):
            assert document["paths"][path]["get"]["summary"] == "Products"
            answer = host.get(path.format(category="books", id=7))
            assert (answer.status_code, "books" in answer.text) == (200, True)
        status = "/runtime/webhooks/durabletask/instances"
        assert host.get(status).status_code == 200
        assert document["paths"][status]["get"]["operationId"] == "getInstances"


def test_with_keys_the_document_asks_for_one(app: Path) -> None:
    with running(app, "--enable-auth", **SQLITE) as host:
        assert host.get("/admin/openapi.json").status_code == 401
        key = json.loads((app / ".fnhost" / "keys.json").read_text())["host"]["_master"]
        document = host.get("/admin/openapi.json", headers={"x-functions-key": key}).json()
    assert {} not in document["paths"]["/api/products/{category}"]["get"]["security"]


def test_the_command_line_prints_it_without_serving(app: Path) -> None:
    with launched("openapi", app, **SQLITE) as (process, output):
        assert process.wait(PATIENCE) == 0, output.text
    document = json.loads(output.text)
    validate(document)
    assert {"/api/products/{category}", "/runtime/webhooks/durabletask/instances"} <= document["paths"].keys()


def test_a_broken_function_is_left_out_and_told(app: Path) -> None:
    (app / "Products" / "function.json").write_text("{")
    with launched("openapi", app, **SQLITE) as (process, output):
        assert process.wait(PATIENCE) == 1
    assert "Products/function.json line 1" in output.text
    assert '"/api/products/{category}"' not in output.text
