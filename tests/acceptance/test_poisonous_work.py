"""Work that ends its worker each time fails alone: the host goes on, and so does all other work."""

from collections.abc import Mapping
from pathlib import Path

from tests.support.durable import ACTIVITY, FAN_OUT, ORCHESTRATOR, WEBHOOKS, orchestrator
from tests.support.hosts import bindings, http, running, write_app

DEADLY = """
import os
import azure.durable_functions as df


def entity(context):
    os._exit(5)


main = df.Entity.create(entity)
"""
ENTITY = bindings({"name": "context", "type": "entityTrigger", "direction": "in"})
APP = {
    **FAN_OUT,
    "Pid/__init__.py": "import os\n\n\ndef main(req) -> str:\n    return f'pid {os.getpid()}'\n",
    "Pid/function.json": http(),
    "Dies/__init__.py": orchestrator("import os\nos._exit(3)\nyield"),
    "Dies/function.json": ORCHESTRATOR,
    "CallsDeath/__init__.py": orchestrator('return (yield context.call_activity("Death", None))'),
    "CallsDeath/function.json": ORCHESTRATOR,
    "Death/__init__.py": "import os\n\n\ndef main(given):\n    os._exit(4)\n",
    "Death/function.json": ACTIVITY,
    "AsksDeadly/__init__.py": orchestrator('return (yield context.call_entity(df.EntityId("Deadly", "a"), "go"))'),
    "AsksDeadly/function.json": ORCHESTRATOR,
    "Deadly/__init__.py": DEADLY,
    "Deadly/function.json": ENTITY,
}


def test_work_that_ends_its_worker_each_time_fails_and_nothing_else(hub: Mapping[str, str], tmp_path: Path) -> None:
    with running(write_app(tmp_path, APP), **hub) as host:
        for name in ("Dies", "CallsDeath", "AsksDeadly"):
            host.post(f"{WEBHOOKS}/orchestrators/{name}/{name}")
        host.post(f"{WEBHOOKS}/orchestrators/FanOut/sound", json={"count": 50})
        for name, code in (("Dies", 3), ("CallsDeath", 4), ("AsksDeadly", 5)):
            ended = host.until(f"{WEBHOOKS}/instances/{name}", runtimeStatus="Failed")
            assert f"exited with code {code} (0x{code})" in str(ended["output"])
            assert "It happened 5 times in a row." in str(ended["output"])
        ended = host.until(f"{WEBHOOKS}/instances/sound", runtimeStatus="Completed")
        assert ended["output"] == sum(number * number for number in range(50))
        host.output.until("The activity Death of instance CallsDeath has ended its worker process 5 times in a row")
        assert host.get("/api/Pid").status_code == 200
        assert host.interrupt() == 0


def test_what_failed_for_good_stays_so_after_a_restart(sqlite: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path, APP)
    with running(app, **sqlite) as host:
        host.post(f"{WEBHOOKS}/orchestrators/Dies/poisonous")
        host.until(f"{WEBHOOKS}/instances/poisonous", runtimeStatus="Failed")
    with running(app, **sqlite) as host:
        host.until(f"{WEBHOOKS}/instances/poisonous", runtimeStatus="Failed")
        assert host.get("/api/Pid").status_code == 200
        assert not host.output.count("Language Worker Process exited.")
