"""The OpenAPI document: route templates in its terms, and that it names what the host serves, no less and no more."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from fnhost.bindings.contract import Binding
from fnhost.host.app import App, Function, HostConfig, Settings
from fnhost.host.logging.log import Log
from fnhost.host.web.admin.api import admin
from fnhost.host.web.durable.management import ROUTES
from fnhost.host.web.front import Front
from fnhost.host.web.keys import Keys
from fnhost.host.web.openapi.document import openapi
from fnhost.host.web.openapi.routes import parameter_object, path_templates

WEBHOOKS = "/runtime/webhooks/durabletask/"
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SERVER = "http://localhost:7071"


def function(name: str, **trigger: object) -> Function:
    folder = Path("/app") / name
    binding = Binding("req", "httptrigger", "in", properties=trigger)
    return Function(name, folder, folder / "__init__.py", "main", "python", (binding,))


def app_of(*functions: Function) -> App:
    return App(Path("/app"), "python", functions, Settings({}), HostConfig())


def documented(*functions: Function, has_hub: bool = False, with_keys: bool = False) -> Mapping[str, Any]:
    document = openapi(app_of(*functions), SERVER, has_hub=has_hub, with_keys=with_keys)
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []  # type: ignore[arg-type]
    return document


@pytest.mark.parametrize(
    ("route", "paths"),
    [
        ("", ["/"]),
        ("api/Plain", ["/api/Plain"]),
        ("a/{b}/{c?}", ["/a/{b}/{c}", "/a/{b}"]),
        ("a/{b=1}/{c?}", ["/a/{b}/{c}", "/a/{b}", "/a"]),
        ("{*rest}", ["/{rest}", "/"]),
        ("files/{name}.{extension?}", ["/files/{name}.{extension}", "/files/{name}"]),
        ("{{x}}/ü y/{id:regex(^[a-z]{{2}}$)}", ["/%7Bx%7D/%C3%BC%20y/{id}"]),
    ],
)
def test_a_route_is_as_many_paths_as_it_has_parameters_that_can_be_left_out(route: str, paths: list[str]) -> None:
    assert [template.path for template in path_templates(route)] == paths


@pytest.mark.parametrize(
    ("constraints", "schema"),
    [
        ("", {"type": "string"}),
        (":int", {"type": "integer", "format": "int32"}),
        (":int:min(3)", {"type": "integer", "format": "int32", "minimum": 3}),
        (":range(1,5)", {"type": "integer", "minimum": 1, "maximum": 5}),
        (":alpha:length(2,4)", {"type": "string", "pattern": "^[A-Za-z]*$", "minLength": 2, "maxLength": 4}),
        (":LENGTH(3)", {"type": "string", "minLength": 3, "maxLength": 3}),
        (":guid", {"type": "string", "format": "uuid"}),
        (":datetime", {"type": "string", "format": "date-time"}),
        (":bool", {"type": "boolean"}),
        (":double", {"type": "number", "format": "double"}),
        (":regex(^a,b$)", {"type": "string"}),
    ],
)
def test_a_constraint_says_the_type(constraints: str, schema: Mapping[str, object]) -> None:
    (template,) = path_templates(f"x/{{id{constraints}}}")
    assert parameter_object(template.parameters[0], "id")["schema"] == schema


def test_what_a_schema_cannot_say_is_described() -> None:
    first, *_ = path_templates("{id:regex(^a$)}/{*rest}")
    texts = [parameter_object(parameter, parameter.name)["description"] for parameter in first.parameters]
    assert texts == [
        "It matches the regular expression `^a$` of .NET, in any case.",
        "The rest of the path: it may hold slashes.",
    ]


def test_a_function_has_an_operation_for_each_method() -> None:
    document = documented(function("Some", methods=["GET", "post"]), function("All", route="every/{id}"))
    assert operations(document["paths"]["/api/Some"]) == {"get": "Some_get", "post": "Some_post"}
    assert set(operations(document["paths"]["/api/every/{id}"])) == set(METHODS)
    assert "requestBody" not in document["paths"]["/api/Some"]["get"]
    assert document["servers"] == [{"url": SERVER}]


def test_functions_share_a_path_whose_parameters_have_other_names() -> None:
    document = documented(
        function("First", route="x/{id:int}", methods=["get"]),
        function("Second", route="x/{name}", methods=["get", "put"]),
    )
    item = document["paths"]["/api/x/{id}"]
    assert operations(item) == {"get": "First_get", "put": "Second_put"}
    assert "`/api/x/{name}`, function `Second`" in item["get"]["description"]
    assert item["put"]["parameters"][0]["description"] == "The function calls it `name`."


def test_the_level_says_which_key_is_asked_for() -> None:
    functions = [function(level, authLevel=level, methods=["get"]) for level in ("anonymous", "function", "admin")]
    demanded = documented(*functions, with_keys=True)["paths"]
    assert demanded["/api/anonymous"]["get"]["security"] == []
    header, query = demanded["/api/admin"]["get"]["security"]
    assert (list(header), list(query)) == (["admin-key-in-header"], ["admin-key-in-query"])
    assert "401" in demanded["/api/function"]["get"]["responses"]
    assert {} in documented(*functions)["paths"]["/api/function"]["get"]["security"]


def test_every_admin_endpoint_is_documented(tmp_path: Path) -> None:
    keys = Keys.of_app(tmp_path)
    front = Front(tmp_path, Log(), keys)
    app = admin(front, keys, "", lambda: 0.0, Log(), front)
    served = {(method, route.path) for route in app.routes if isinstance(route, Route) for method in methods_of(route)}
    assert {entry for entry in documented_operations(documented()) if entry[1].startswith("/admin/")} == served


def test_every_route_of_the_management_api_is_documented() -> None:
    served = {(route.method.lower(), shape(route.path)) for route in ROUTES} - NAMELESS
    found = {
        (method, shape(path.removeprefix(WEBHOOKS)))
        for method, path in documented_operations(documented(has_hub=True))
        if path.startswith(WEBHOOKS)
    }
    assert found == served
    assert not [path for path in documented()["paths"] if path.startswith("/runtime")]


NAMELESS = {("post", "entities"), ("delete", "entities")}
"""Served to be refused: the name of the entity is missing."""


def methods_of(route: Route) -> Iterator[str]:
    """HEAD comes with GET; the address of the Model Context Protocol takes POST, and refuses the rest itself."""
    yield from (method.lower() for method in (route.methods or {"POST"}) - {"HEAD"})


def shape(path: str) -> str:
    return "/".join("{}" if part.startswith("{") else part.lower() for part in path.split("/"))


def operations(item: Mapping[str, Any]) -> Mapping[str, str]:
    return {method: item[method]["operationId"] for method in METHODS if method in item}


def documented_operations(document: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(method, path) for path, item in document["paths"].items() for method in operations(item)}
