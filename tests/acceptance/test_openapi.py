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


def test_the_command_line_prints_it_without_serving_and_tells_what_is_broken(app: Path) -> None:
    write_app(app, {"Broken/function.json": "{"})
    with launched("openapi", app, **SQLITE) as (process, output):
        assert process.wait(PATIENCE) == 1
    told, _, document = output.text.partition("\n{\n")
    assert "Broken/function.json line 1" in told
    described = json.loads("{" + document)
    validate(described)
    assert {"/api/products/{category}", "/runtime/webhooks/durabletask/instances"} <= described["paths"].keys()
