"""A function run at once, by the admin API and by `fnhost run`, and an app's keys (platform/keys-and-admin.md 7)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from fnhost.azurite import Azurite
from tests.support.hosts import Host, bindings, http, run, running, write_app
from tests.support.storage import container, fresh

KINDS = {
    "Tick": ({"name": "given", "type": "timerTrigger", "schedule": "0 0 0 1 1 *"}, "given.past_due"),
    "Work": ({"name": "given", "type": "queueTrigger", "queueName": "never"}, "given.get_body(), given.dequeue_count"),
    "Read": ({"name": "given", "type": "blobTrigger", "path": "CONTAINER/{name}"}, "given.name, given.read()"),
    "Step": ({"name": "given", "type": "activityTrigger"}, "given"),
    "Call": ({"name": "given", "type": "manualTrigger"}, "given"),
}
SQLITE = {"AzureFunctionsJobHost__extensions__durableTask__storageProvider__type": "sqlite"}


class Site:
    def __init__(self, connection: str, root: Path) -> None:
        self.container = fresh("c")
        self.settings = {
            **SQLITE,
            "AzureWebJobsStorage": connection,
            "AzureFunctionsWebHost__hostid": fresh("host"),
        }
        self.connection, self.app = connection, write_app(root, self._files())

    def _files(self) -> dict[str, str]:
        files = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n", "Hello/function.json": http()}
        for name, (trigger, shown) in KINDS.items():
            entry = json.loads(json.dumps({**trigger, "direction": "in"}).replace("CONTAINER", self.container))
            files[f"{name}/function.json"] = bindings(entry)
            files[f"{name}/__init__.py"] = f"def main(given):\n    print('ran', {shown}, flush=True)\n"
        files["Fails/function.json"] = bindings({**KINDS["Work"][0], "direction": "in", "queueName": "no-more"})
        files["Fails/__init__.py"] = "def main(given):\n    raise ValueError('broken')\n"
        return files


@pytest.fixture
def site(storage: Azurite, tmp_path: Path) -> Site:
    return Site(storage.connection_string, tmp_path / "app")


@pytest.fixture
def host(site: Site) -> Iterator[Host]:
    with running(site.app, **site.settings) as host:
        yield host


def test_every_kind_is_run_by_the_admin_api(host: Host, site: Site) -> None:
    with container(site.connection, f"{site.container}x") as other:
        other.create_container()
        other.upload_blob("a.txt", b"text")
    given = {"Tick": "", "Work": "a message", "Read": f"{site.container}x/a.txt", "Step": "[1]", "Call": "now"}
    for name, text in given.items():
        assert host.post(f"/admin/functions/{name}", json={"input": text}).status_code == 202
    host.output.until("ran False")
    host.output.until("ran b'a message' 1")
    host.output.until(f"ran {site.container}x/a.txt b'text'")
    host.output.until("ran [1]")
    host.output.until("ran now")
    assert host.output.count("This function was programmatically called via the host APIs.") == 5


def test_a_blob_that_is_not_there_is_said(host: Host, site: Site) -> None:
    assert host.post("/admin/functions/Read", json={"input": f"{site.container}/none"}).status_code == 202
    host.output.until(f"'Read' was not run: There is no blob '{site.container}/none'")


def test_a_function_is_run_by_the_command(site: Site) -> None:
    code, lines = run("run", "Work", "--input", "from the shell", "--app", site.app, **site.settings)
    assert (code, any("ran b'from the shell' 1" in line for line in lines)) == (0, True)
    assert sum("Executed 'Functions.Work' (Succeeded" in line for line in lines) == 1


def test_an_activity_is_run_by_the_command(site: Site) -> None:
    code, lines = run("run", "step", "--input", "[1, 2]", "--app", site.app, **site.settings)
    assert (code, any("ran [1, 2]" in line for line in lines)) == (0, True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Fails", "ValueError: broken"),
        ("Nobody", "There is no function 'Nobody'. Known: Call, Fails, Hello, Read, Step, Tick, Work."),
        ("Hello", "'Hello' needs a request: run `fnhost start`, and call it over HTTP."),
    ],
)
def test_a_run_that_cannot_succeed(site: Site, name: str, expected: str) -> None:
    code, lines = run("run", name, "--app", site.app, **site.settings)
    assert (code, expected in "\n".join(lines)) == (1, True)


def test_keys_are_listed_and_changed(site: Site) -> None:
    at = ("--app", site.app)
    assert [line.split()[0] for line in run("keys", "list", *at)[1]] == ["_master", "default"]
    assert run("keys", "set", "mine", "secret", "--function", "Hello", *at)[1] == ["mine\tsecret"]
    assert "mine\tsecret" in run("keys", "list", "--function", "hello", *at)[1]
    assert run("keys", "delete", "mine", "--function", "Hello", *at)[0] == 0
    assert "mine\tsecret" not in run("keys", "list", "--function", "Hello", *at)[1]
    code, lines = run("keys", "delete", "_master", *at)
    assert (code, "cannot be deleted" in lines[0]) == (1, True)
    assert run("keys", "delete", "none", *at)[0] == 1


def test_a_running_host_takes_a_changed_key(site: Site) -> None:
    write_app(site.app, {"Hello/function.json": http(authLevel="function")})
    with running(site.app, "--enable-auth", **site.settings) as host:
        assert host.get("/api/Hello?code=secret").status_code == 401
        assert run("keys", "set", "default", "secret", "--app", site.app)[0] == 0
        assert host.get("/api/Hello?code=secret").text == "hello"
        assert host.get("/admin/functions?code=secret").status_code == 401
