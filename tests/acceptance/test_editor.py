"""F5 in VS Code: what its Azure Functions extension runs, and what it waits for, with the files of `fnhost init`.

The extension asks `--version`, runs the task's command with the debugger's arguments in the environment, waits for the
problem matcher's pattern and for /admin/host/status, and lets the debugger attach (platform/command-line.md 3).
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from fnhost.host.commands.scaffold.init import InitOptions, init
from fnhost.host.commands.scaffold.new import NewOptions, new
from fnhost.host.load.documents import read_object
from fnhost.host.system.ports import free_port
from tests.support.hosts import PATIENCE, Output, environment
from tests.support.npm import link_packages

READY = re.compile(r"^.*(Worker process started and initialized|Host lock lease acquired by instance ID).*$")
"""The `endsPattern` of $func-watch, the base of $func-python-watch and $func-node-watch."""
VERSION = re.compile(r"\d+\.\d+\.\d+(\+[0-9A-Za-z.-]+)?")


def project(root: Path, runtime: str, port: int) -> Path:
    init(root, InitOptions(runtime=runtime, installs=False), {})
    wanted = NewOptions(template="HTTP trigger", name="Hello", level="anonymous", project=InitOptions(installs=False))
    new(root, wanted, {"FUNCTIONS_WORKER_RUNTIME": runtime})
    settings = root / "local.settings.json"
    settings.write_text(settings.read_text().replace("false,", f'false, "Host": {{"LocalHttpPort": {port}}},', 1))
    return root


@pytest.fixture
def func(tmp_path: Path) -> Path:
    """A link called `func` to the installed command, as `azureFunctions.funcCliPath` may name it."""
    link = tmp_path / "func"
    link.symlink_to(Path(sys.executable).with_name("fnhost"))
    return link


@contextmanager
def f5(func: Path, app: Path, **settings: str) -> Iterator[Output]:
    """The first task of the app, as the extension runs it."""
    task = read_object(app / ".vscode" / "tasks.json")["tasks"][0]
    assert task["type"] == "func" and task["isBackground"]
    given = {key: value for key, value in environment(settings).items() if key != "FUNCTIONS_WORKER_RUNTIME"}
    command = [str(func), *task["command"].split()]
    process = subprocess.Popen(
        command,
        cwd=app,
        env=given,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout
    output = Output(process.stdout)
    try:
        yield output
    finally:
        process.terminate()
        process.wait(PATIENCE)
        output.close()


def test_the_version_is_one_that_the_extension_takes(func: Path) -> None:
    done = subprocess.run([func, "--version"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    assert VERSION.fullmatch(done.stdout.strip())
    assert tuple(map(int, done.stdout.partition("+")[0].split("."))) >= (4, 0, 4742), "asked for by Python V2 projects"


def test_f5_in_an_app_for_python(func: Path, tmp_path: Path) -> None:
    port = free_port()
    app = project(tmp_path / "app", "python", port)
    # As with a debugger, the host waits with a new worker until the one before has ended.
    with f5(func, app, languageWorkers__python__arguments="-X utf8") as output:
        output.until("Worker process started and initialized.")
        assert any(READY.match(line) for line in output.lines)
        assert httpx.get(f"http://localhost:{port}/admin/host/status").json()["state"] == "Running"
        assert httpx.get(f"http://localhost:{port}/api/Hello?name=Ada").text == "Hello, Ada. It works."


def test_f5_in_an_app_for_node_opens_its_debugger(func: Path, tmp_path: Path) -> None:
    port, debugger = free_port(), free_port()
    app = project(tmp_path / "app", "node", port)
    link_packages(app, "v4")
    with f5(func, app, languageWorkers__node__arguments=f"--inspect={debugger}", PATH=os.environ["PATH"]) as output:
        output.until("Worker process started and initialized.")
        assert any(READY.match(line) for line in output.lines)
        assert httpx.get(f"http://localhost:{port}/admin/host/status").json()["state"] == "Running"
        assert httpx.get(f"http://127.0.0.1:{debugger}/json/list").json()[0]["type"] == "node"
        assert httpx.get(f"http://localhost:{port}/api/Hello?name=Ada").text == "Hello, Ada!"
