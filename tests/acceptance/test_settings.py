"""Settings that change how an app runs (platform/app-files.md 5, platform/settings.md 3 and 4)."""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.hosts import http, run, running, write_app

PID = "import os\n\n\ndef main(req):\n    return f'pid {os.getpid()}'\n"
NEW = PID.replace("'pid", "'new pid")
SETTING = "import os\n\n\ndef main(req):\n    return 'is ' + os.environ.get('MINE', 'nothing')\n"
TWINS = {
    f"{name}/{file}": text
    for name in ("One", "Two")
    for file, text in {"__init__.py": "def main(req):\n    return 'here'\n", "function.json": http()}.items()
}


@pytest.mark.parametrize("name", ["AzureWebJobs.Two.Disabled", "AzureWebJobs_Two_Disabled"])
def test_a_disabled_function_has_no_route(name: str, tmp_path: Path) -> None:
    with running(write_app(tmp_path, TWINS), **{name: "1"}) as host:
        assert host.get("/api/One").text == "here"
        assert host.get("/api/Two").status_code == 404
        listed = {function["name"]: function["isDisabled"] for function in host.get("/admin/functions").json()}
        assert listed == {"One": False, "Two": True}
        host.output.until("Function Two is disabled.")


def test_several_processes_take_turns(tmp_path: Path) -> None:
    app = write_app(tmp_path, {"Pid/__init__.py": PID, "Pid/function.json": http()})
    with running(app, FUNCTIONS_WORKER_PROCESS_COUNT="2") as host, ThreadPoolExecutor(4) as callers:
        answers = [answer.text for answer in callers.map(lambda _: host.get("/api/Pid"), range(20))]
        assert sorted(answers.count(answer) for answer in set(answers)) == [10, 10]
        host.write("Pid/__init__.py", NEW)
        host.output.until("Reloaded in")
        fresh = {answer.text for answer in callers.map(lambda _: host.get("/api/Pid"), range(20))}
        assert len(fresh) == 2
        assert all(text.startswith("new pid") for text in fresh)


def test_a_process_count_that_is_no_number(tmp_path: Path) -> None:
    app = write_app(tmp_path, TWINS)
    code, lines = run("start", app, "--port", 0, FUNCTIONS_WORKER_PROCESS_COUNT="many")
    assert code == 1
    assert "must be a number from 1 to 10, not 'many'" in lines[-1]


def test_local_settings_are_the_environment_of_the_app_and_the_shell_wins(tmp_path: Path) -> None:
    local = json.dumps({"IsEncrypted": False, "Values": {"MINE": "from the file"}})
    files = {"Mine/__init__.py": SETTING, "Mine/function.json": http(), "local.settings.json": local}
    app = write_app(tmp_path, files)
    with running(app) as host:
        assert host.get("/api/Mine").text == "is from the file"
    with running(app, MINE="from the shell") as host:
        assert host.get("/api/Mine").text == "is from the shell"
        assert "Skipping 'MINE' from local settings" in host.output.text
