"""A host that is killed loses nothing and leaves nobody behind; one that is interrupted ends at once."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil

from tests.support.durable import ACTIVITY, FAN_OUT, ORCHESTRATOR, WEBHOOKS
from tests.support.hosts import PATIENCE, Host, http, running, write_app

HANG = "import threading\n\n\ndef main({}):\n    print('hanging')\n    threading.Event().wait()\n"
HELLO = {"Hello/__init__.py": "def main(req):\n    return 'hello'\n", "Hello/function.json": http()}
HANGING = {**HELLO, "Hang/__init__.py": HANG.format("req"), "Hang/function.json": http()}
HANGING_ACTIVITY = {
    **HELLO,
    "Start/__init__.py": """
import azure.durable_functions as df


def orchestrate(context):
    yield context.call_activity("Sleep", None)


main = df.Orchestrator.create(orchestrate)
""",
    "Start/function.json": ORCHESTRATOR,
    "Sleep/__init__.py": HANG.format("given"),
    "Sleep/function.json": ACTIVITY,
}


def gone(processes: Sequence[psutil.Process], seconds: float) -> bool:
    _, alive = psutil.wait_procs(processes, seconds)
    return not alive


def test_a_fan_out_survives_the_death_of_the_host(hub: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path, {**HELLO, **FAN_OUT})
    quick = {
        "AzureFunctionsJobHost__extensions__durableTask__storageProvider__controlQueueVisibilityTimeout": "00:00:03"
    }
    with running(app, **hub, **quick) as host:
        host.post(f"{WEBHOOKS}/orchestrators/FanOut/crash", json={"count": 100})
        host.output.until("Executed 'Functions.Square'", 20)
        children = host.children()
        host.kill()
        assert children and gone(children, 5)
    with running(app, **hub, **quick) as host:
        ended = host.until(f"{WEBHOOKS}/instances/crash", runtimeStatus="Completed")
        assert ended["output"] == sum(number * number for number in range(100))


def interrupted(host: Host) -> None:
    """Ctrl-C: nothing of it is left two seconds later."""
    children = host.children()
    started = time.monotonic()
    code = host.interrupt()
    assert gone(children, 1)
    assert (code, time.monotonic() - started < 2.0) == (0, True)


def test_an_idle_host_ends_at_once(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HELLO)) as host:
        assert host.get("/api/Hello").text == "hello"
        interrupted(host)


def test_a_host_with_a_running_request_ends_as_quickly(tmp_path: Path) -> None:
    with running(write_app(tmp_path, HANGING)) as host, ThreadPoolExecutor(1) as caller:
        answer = caller.submit(host.get, "/api/Hang")
        host.output.until("hanging")
        interrupted(host)
        try:
            assert answer.result(PATIENCE).status_code in (500, 503)
        except httpx.TransportError:
            return


def test_a_host_with_a_running_activity_ends_as_quickly(hub: Mapping[str, str], tmp_path: Path) -> None:
    with running(write_app(tmp_path, HANGING_ACTIVITY), **hub) as host:
        assert host.post(f"{WEBHOOKS}/orchestrators/Start").status_code == 202
        host.output.until("hanging")
        interrupted(host)


def test_what_is_under_way_goes_on_after_a_restart(sqlite: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path, {**HELLO, **FAN_OUT})
    with running(app, **sqlite) as host:
        host.post(f"{WEBHOOKS}/orchestrators/FanOut/again", json={"count": 40})
        host.output.until("Executed 'Functions.Square'", 5)
        host.interrupt()
    with running(app, **sqlite) as host:
        assert host.until(f"{WEBHOOKS}/instances/again", runtimeStatus="Completed")["output"] == 20540
