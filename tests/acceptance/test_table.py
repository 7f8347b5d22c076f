"""Table input and output, over real tables (platform/table.md 1 and 2)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableClient

from fnhost.azurite import Azurite
from tests.support.hosts import Host, bindings, running, write_app
from tests.support.storage import fresh

HTTP_IN = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
HTTP_OUT = {"name": "$return", "type": "http", "direction": "out"}
PUT = "def main(req, rows) -> str:\n    rows.set(req.get_body().decode())\n    return 'written'\n"
GET = "def main(req, rows) -> str:\n    return f'{type(rows).__name__} {rows}'\n"


class Site:
    def __init__(self, connection: str) -> None:
        self.connection, self.table = connection, fresh("T")


@pytest.fixture
def site(storage: Azurite) -> Site:
    return Site(storage.connection_string)


def app(root: Path, site: Site) -> Path:
    def table(direction: str, **more: object) -> dict[str, object]:
        return {"name": "rows", "type": "table", "direction": direction, "tableName": site.table, **more}

    def get(route: str, **more: object) -> dict[str, str]:
        name = route.partition("/")[0].title()
        entries = ({**HTTP_IN, "route": route}, HTTP_OUT, table("in", **more))
        return {f"{name}/__init__.py": GET, f"{name}/function.json": bindings(*entries)}

    return write_app(
        root,
        {
            "Put/__init__.py": PUT,
            "Put/function.json": bindings(HTTP_IN, HTTP_OUT, table("out", partitionKey="{Query.p}")),
            **get("one/{p}/{r}", partitionKey="{p}", rowKey="{r}"),
            **get("part/{p}", partitionKey="{p}"),
            **get("some", filter="Count gt {Query.above} and Name ne '{Query.not}'", take=2),
            **get("all"),
        },
    )


@pytest.fixture
def host(tmp_path: Path, site: Site) -> Iterator[Host]:
    with running(app(tmp_path, site), AzureWebJobsStorage=site.connection) as host:
        yield host


def put(host: Host, *entities: dict[str, Any], partition: str = "p") -> int:
    return host.post(f"/api/Put?p={partition}", content=json.dumps(entities)).status_code


def found(host: Host, path: str) -> Any:
    kind, _, text = host.get(f"/api/{path}").text.partition(" ")
    assert kind == "str"
    return json.loads(text)


def test_entities_come_back_as_they_were_written(host: Host, site: Site) -> None:
    entity = {"RowKey": "r'1", "Text": "é", "Big": 2**40, "Half": 0.5, "Yes": True, "None": None, "Deep": {"a": [1]}}
    assert put(host, entity) == 200
    expected = {**entity, "PartitionKey": "p", "Deep": '{"a":[1]}'}
    del expected["None"]
    assert found(host, "all") == [expected]
    assert found(host, "one/p/r'1") == expected
    with TableClient.from_connection_string(site.connection, site.table) as client:
        stored = client.get_entity("p", "r'1")
    assert (stored["Big"][0], stored["Half"], stored["Yes"], stored["Deep"]) == (2**40, 0.5, True, '{"a":[1]}')


def test_one_object_is_one_entity_whose_keys_win(host: Host) -> None:
    assert host.post("/api/Put?p=p", content='{"PartitionKey": "own", "RowKey": "r"}').text == "written"
    assert found(host, "part/own") == [{"PartitionKey": "own", "RowKey": "r"}]
    assert found(host, "part/p") == []


def test_conditions_and_a_limit(host: Host) -> None:
    rows = [{"RowKey": f"{number}", "Count": number, "Name": "it's" if number == 7 else "x"} for number in range(9)]
    assert put(host, *rows) == 200
    assert [row["RowKey"] for row in found(host, "some?above=4&not=none")] == ["5", "6"]
    assert [row["RowKey"] for row in found(host, "some?above=6&not=it's")] == ["8"]


def test_more_entities_than_a_transaction_holds(host: Host) -> None:
    rows = [{"PartitionKey": f"p{number % 2}", "RowKey": f"{number:04}"} for number in range(250)]
    assert put(host, *rows) == 200
    assert [row["RowKey"] for row in found(host, "part/p1")] == [f"{number:04}" for number in range(1, 250, 2)]


def test_what_is_not_there(host: Host) -> None:
    assert found(host, "all") == []
    assert host.get("/api/one/p/r").text == "NoneType None"


def test_an_entity_that_exists_fails_the_invocation(host: Host) -> None:
    assert [put(host, {"RowKey": "r"}), put(host, {"RowKey": "r"})] == [200, 500]
    host.output.until("409 EntityAlreadyExists")
    assert put(host, {"RowKey": "a"}, {"RowKey": "r"}) == 500
    assert [row["RowKey"] for row in found(host, "all")] == ["r"]


def test_an_entity_without_its_keys_is_named(host: Host) -> None:
    assert put(host, {"Text": "x"}) == 500
    host.output.until("Binding 'rows' of function 'Put': an entity has no text as RowKey.")
    assert host.post("/api/Put?p=p", content="[1]").status_code == 500
    host.output.until("write a JSON object for one entity, or an array of them")


def test_both_keys_as_the_platforms_current_bundle_reads_them(tmp_path: Path, site: Site) -> None:
    setting = {"AzureFunctionsJobHost__extensions__tables__singleEntityInput": "partition"}
    with running(app(tmp_path, site), AzureWebJobsStorage=site.connection, **setting) as host:
        put(host, {"RowKey": "a"}, {"RowKey": "b"})
        assert [row["RowKey"] for row in found(host, "one/p/b")] == ["a", "b"]
