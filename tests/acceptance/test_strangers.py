"""An app as people write them, with every habit of theirs, unmodified (platform/http.md, platform/values.md)."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.hosts import Host, http, running, write_app

APP = Path(__file__).parent / "apps" / "strangers"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    app = tmp_path_factory.mktemp("strangers") / "app"
    shutil.copytree(APP, app, ignore=shutil.ignore_patterns("__pycache__"))
    with running(app, "--cors", "https://a.example") as host:
        yield host


def test_a_multipart_upload(host: Host) -> None:
    files = {"photo": ("café.png", bytes(range(256)) * 100, "image/png"), "notes": ("a.txt", b"hi", "text/plain")}
    answer = host.post("/api/Upload", files=files, data={"title": "Ferien", "tags": "a,b"})
    assert answer.json() == {
        "files": {"photo": ["café.png", "image/png", 25600], "notes": ["a.txt", "text/plain", 2]},
        "form": {"title": "Ferien", "tags": "a,b"},
    }


def test_a_form(host: Host) -> None:
    assert host.post("/api/Upload", data={"name": "Zoë & co"}).json() == {"files": {}, "form": {"name": "Zoë & co"}}


def test_threads_that_log_under_their_invocation(host: Host) -> None:
    assert host.get("/api/Threads").text == "285"
    for number in range(10):
        host.output.until(f"Squaring {number} in squares")


def test_a_package_two_levels_deep(host: Host) -> None:
    assert host.post("/api/Words", content="To be or not to be").json() == {"to": 2, "be": 2}


def test_every_way_to_import_shared_code(host: Host) -> None:
    assert host.get("/api/AppImport").text == "helper 2 2"


def test_an_async_function_with_a_logger_of_its_own(host: Host) -> None:
    assert host.get("/api/Gather").text == "10"
    host.output.until("Fetched 4")


def test_a_named_output(host: Host) -> None:
    answer = host.get("/api/OutResponse")
    assert (answer.status_code, answer.text, answer.headers["x-made-by"]) == (201, "made", "Out")


@pytest.mark.parametrize(
    ("name", "status", "kind", "body"),
    [
        ("Text", 200, "text/plain; charset=utf-8", "plain"),
        ("JsonText", 200, "text/plain; charset=utf-8", '{\n  "a": 1\n}'),
        ("Object", 500, None, ""),
        ("Nothing", 500, None, ""),
        ("Silent", 204, None, ""),
        ("Fails", 500, None, ""),
    ],
)
def test_what_a_function_returns(host: Host, name: str, status: int, kind: str | None, body: str) -> None:
    answer = host.get(f"/api/{name}")
    assert (answer.status_code, answer.headers.get("content-type"), answer.text) == (status, kind, body)


def test_route_constraints(host: Host) -> None:
    assert host.get("/api/orders/12/items/3").json() == {"id": "12", "rest": "items/3"}
    assert host.get("/API/Orders/12").json() == {"id": "12"}
    assert host.get("/api/orders/0").status_code == 404
    assert host.get("/api/orders/x").status_code == 404
    assert host.post("/api/orders/12").status_code == 404


def test_a_binary_response(host: Host) -> None:
    answer = host.get("/api/Picture")
    assert (answer.headers["content-type"], answer.content[:4]) == ("image/png", b"\x89PNG")


def test_cookies_go_both_ways(host: Host) -> None:
    answer = host.get("/api/Login", headers={"Cookie": "session=xyz; other=1"})
    session, theme = answer.headers.get_list("set-cookie")
    assert answer.text == "xyz"
    assert session.startswith("session=abc;") and "httponly" in session.lower() and "samesite=lax" in session.lower()
    assert theme.startswith("theme=dark;") and "max-age=3600" in theme.lower()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_a_function_without_methods_takes_them_all(host: Host, method: str) -> None:
    answer = host.client.request(method, "/api/Echo", content="Grüße ☃".encode())
    assert (answer.headers["x-method"], answer.content.decode()) == (method, "Grüße ☃")


def test_head_has_headers_and_no_body(host: Host) -> None:
    answer = host.client.head("/api/Echo")
    assert (answer.status_code, answer.headers["x-method"], answer.content) == (200, "HEAD", b"")
    assert host.client.head("/api/Described").status_code == 404
    assert host.client.options("/api/Described").status_code == 404


def test_a_body_of_twenty_megabytes(host: Host) -> None:
    body = bytes(range(256)) * 80_000
    headers = {"Content-Type": "application/octet-stream"}
    answer = host.post("/api/Echo", content=body, headers=headers)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.content == body


def test_a_chunked_body_is_dropped_as_the_platform_drops_it(host: Host) -> None:
    assert host.post("/api/Echo", content=iter([b"never ", b"seen"])).content == b""
    host.output.until("The request body was dropped")


def test_what_a_function_is_told_of_its_request(host: Host) -> None:
    told = host.get("/api/Described?a=1&a=2&B=%C3%A9%20x&empty=", headers={"User-Agent": "me"}).json()
    assert told["url"] == f"{host.client.base_url}/api/Described?a=1&a=2&B=%C3%A9%20x&empty="
    assert told["params"] == {"a": "1,2", "B": "é x"}
    assert (told["method"], told["agent"], told["function"]) == ("GET", "me", "Described")
    assert told["folder"] == str(host.app / "Described")


def test_a_file_beside_the_code(host: Host) -> None:
    answer = host.get("/api/Template", params={"name": "Zoë"})
    assert answer.text == "<h1>Grüezi Zoë</h1>\n"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


def test_a_redirect(host: Host) -> None:
    answer = host.get("/api/Moved")
    assert (answer.status_code, answer.headers["location"]) == (302, "/api/Text")
    assert "content-length" in answer.headers


def test_an_entry_point_of_another_name_in_another_file(host: Host) -> None:
    assert host.post("/api/Handler", json={"name": "Ada"}).text == "Hi Ada"


def test_globals_live_as_long_as_the_process(host: Host) -> None:
    with ThreadPoolExecutor(8) as callers:
        counts = set(callers.map(lambda _: int(host.get("/api/Counter").text), range(50)))
    assert len(counts) == 50


@pytest.mark.parametrize(
    ("name", "body"), [("Loop", "worked"), ("Child", "from a child"), ("Processes", "90")], ids=lambda value: str(value)
)
def test_loops_and_processes_of_their_own(host: Host, name: str, body: str) -> None:
    assert host.get(f"/api/{name}").text == body


def test_a_function_that_ends_its_process_fails_alone(host: Host) -> None:
    assert host.get("/api/Quits").status_code == 500
    assert host.get("/api/Text").text == "plain"


def test_a_page_of_another_origin_may_call(host: Host) -> None:
    origin = {"Origin": "https://a.example"}
    ask = {**origin, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-mine"}
    preflight = host.client.options("/api/Text", headers=ask)
    assert (preflight.status_code, preflight.headers["access-control-allow-origin"]) == (204, "https://a.example")
    assert host.get("/api/Text", headers=origin).headers["access-control-allow-origin"] == "https://a.example"
    other = host.get("/api/Text", headers={"Origin": "https://b.example"})
    assert "access-control-allow-origin" not in other.headers


def test_the_admin_endpoints_list_the_app(host: Host) -> None:
    assert host.get("/admin/host/ping").status_code == 200
    assert host.get("/admin/host/status").json()["state"] == "Running"
    listed = {function["name"]: function for function in host.get("/admin/functions").json()}
    assert sorted(listed) == sorted(path.parent.name for path in APP.glob("*/function.json"))
    assert listed["Order"]["invoke_url_template"].endswith("/api/orders/{id:int:min(1)}/{*rest}")
    assert host.get("/admin/functions/Text").json()["config"]["scriptFile"] == "__init__.py"


def test_keys_are_demanded_when_asked_for(tmp_path: Path) -> None:
    levels = ("anonymous", "function", "admin")
    functions = {f"For{level}/function.json": http(authLevel=level) for level in levels}
    scripts = {f"For{level}/__init__.py": (APP / "Text" / "__init__.py").read_text() for level in levels}
    with running(write_app(tmp_path, functions | scripts), "--enable-auth") as host:
        assert [host.get(f"/api/For{level}").status_code for level in levels] == [200, 401, 401]
        keys = json.loads((tmp_path / ".fnhost" / "keys.json").read_text())
        mine, master = keys["function/forfunction"]["default"], keys["host"]["_master"]
        assert [host.get(f"/api/For{level}?code={mine}").status_code for level in levels] == [200, 200, 401]
        header = {"x-functions-key": master}
        assert [host.get(f"/api/For{level}", headers=header).status_code for level in levels] == [200, 200, 200]
        assert host.get("/admin/functions").status_code == 401
        assert host.get("/admin/functions", headers=header).status_code == 200
