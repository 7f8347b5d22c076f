"""Durable functions that fail, in a host over HTTP: broken files, bad text, starts over running instances."""

import json
from collections.abc import Iterator, Mapping

import pytest

from tests.acceptance.conftest import DURABLE
from tests.acceptance.test_durable import start
from tests.support.durable import ACTIVITY, ORCHESTRATOR, WEBHOOKS, orchestrator
from tests.support.hosts import Host, bindings, http, running, write_app

FLOW = orchestrator("""
yield context.wait_for_external_event("Go")
return (yield context.call_activity("Square", 3))
""")
SQUARE = "def main(given: int) -> int:\n    return given * given\n"
APP = {
    "Hello/__init__.py": "def main(req):\n    return 'hello'\n",
    "Hello/function.json": http(),
    "Flow/__init__.py": FLOW,
    "Flow/function.json": ORCHESTRATOR,
    "Square/__init__.py": SQUARE,
    "Square/function.json": ACTIVITY,
    "Text/__init__.py": orchestrator("""
context.set_custom_status({"half": chr(0xD800)})
yield context.call_activity("Square", 1)
return [chr(0xDFFF), float("nan")]
"""),
    "Text/function.json": ORCHESTRATOR,
    "Number/__init__.py": orchestrator("yield context.call_activity('Square', 1)\n"),
    "Number/function.json": ORCHESTRATOR,
    "Counter/__init__.py": """
import azure.durable_functions as df


def operate(context):
    raise ValueError("cannot count")


main = df.Entity.create(operate)
""",
    "Counter/function.json": bindings({"name": "context", "type": "entityTrigger", "direction": "in"}),
}


def test_instances_wait_for_functions_that_cannot_be_loaded(
    hub: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    app = write_app(tmp_path_factory.mktemp("broken"), APP)
    with running(app, **hub) as host:
        start(host, "Flow", instance="waits").until("Running")
    (app / "Flow" / "__init__.py").write_text(FLOW + "def broken(:\n", "utf-8")
    (app / "Square" / "__init__.py").write_text("import no_such_module\n", "utf-8")
    with running(app, **hub) as host:
        host.post(f"{WEBHOOKS}/instances/waits/raiseEvent/Go", json=1)
        host.output.until(WAITS.format("orchestrator 'Flow'"))
        host.write("Flow/__init__.py", FLOW)
        host.write("Square/__init__.py", SQUARE)
        ended = host.until(f"{WEBHOOKS}/instances/waits", runtimeStatus="Completed")
    assert ended["output"] == 9
    assert host.output.count(WAITS.format("orchestrator 'Flow'")) == 1


WAITS = "The {} cannot be loaded; instances that need it wait until its file is mended."


@pytest.fixture
def host(hub: Mapping[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    app = write_app(tmp_path_factory.mktemp("failures"), APP)
    with running(app, **hub, **{f"{DURABLE}overridableExistingInstanceStates": "AnyState"}) as host:
        yield host


def test_what_fails_is_told_and_fails_nothing_else(host: Host) -> None:
    check_text(host)
    check_a_start_over_a_running_instance(host)
    check_explanations(host)


def check_text(host: Host) -> None:
    """Half characters and numbers that are not finite neither hide an instance nor the list of all."""
    ended = start(host, "Text").until("Completed")
    assert (ended["output"], ended["customStatus"]) == (["\ufffd", "NaN"], {"half": "\ufffd"})
    assert host.get(f"{WEBHOOKS}/instances").status_code == 200


def check_a_start_over_a_running_instance(host: Host) -> None:
    first = start(host, "Flow", instance="again")
    first.until("Running")
    second = start(host, "Text", instance="again")
    assert second.until("Completed")["name"] == "Text"


def check_explanations(host: Host) -> None:
    answer = host.post(f"{WEBHOOKS}/orchestrators/Number", json=5).json()
    host.until(answer["statusQueryGetUri"], runtimeStatus="Failed")
    host.output.until("its input is 5, and get_input() of the Python SDK reads only JSON objects")
    assert host.post(f"{WEBHOOKS}/entities/Counter/a?op=add", content=json.dumps(1)).status_code == 202
    host.output.until("The operation 'add' of entity @counter@a, which was signalled, failed: cannot count")
