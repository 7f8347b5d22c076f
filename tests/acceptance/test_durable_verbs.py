"""`fnhost durable` and `fnhost reset`, on a host that runs and on the task hub alone."""

import asyncio
import json
import os
import pty
import subprocess
import sys
import uuid
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pytest

from fnhost.azurite import Azurite
from tests.acceptance.test_two_apps import HUB, MOVED, STORAGE
from tests.support.durable import APP, FAN_OUT, WEBHOOKS
from tests.support.emulators import free_ports, made_cache
from tests.support.hosts import PATIENCE, PROGRAM, environment, launched, run, running, write_app

KEPT = ".fnhost/*/insight.db"
"""What a host keeps beside a task hub."""
SLOW = {
    "Steps/function.json": APP["Chain/function.json"],
    "Steps/__init__.py": """
import azure.durable_functions as df


def orchestrate(context):
    for step in range(3):
        context.set_custom_status(f"step {step}")
        yield context.wait_for_external_event("Next")
    return "all"


main = df.Orchestrator.create(orchestrate)
""",
}
"""A custom status for each event that it waits for."""
GIVEN = {
    "Given/function.json": APP["Chain/function.json"],
    "Given/__init__.py": """
import azure.durable_functions as df

main = df.Orchestrator.create(lambda context: context.get_input())
""",
}


@pytest.fixture
def own(hub: Mapping[str, str]) -> Mapping[str, str]:
    """The settings of an app on each storage, with a hub that no other test has."""
    return {**hub, HUB: f"V{uuid.uuid4().hex[:20]}"}


class Verbs:
    """`fnhost durable` for one app, with the settings that its host has."""

    def __init__(self, app: Path, settings: Mapping[str, str], program: Sequence[str] = PROGRAM) -> None:
        self._app, self._settings, self._program = app, settings, program

    def __call__(self, *arguments: str, code: int = 0, command: Sequence[str] = ("durable",)) -> str:
        """What it prints, remarks included."""
        given = [*command, *arguments, "--app", self._app]
        with launched(*given, program=self._program, **self._settings) as (process, output):
            found = process.wait(PATIENCE)
        assert found == code, output.text
        return output.text

    def documents(self, *arguments: str) -> list[dict[str, object]]:
        text = self(*arguments, "--output", "ndjson")
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def start(self, function: str, instance: str, input: object = None) -> str:
        return self("start-new", "--function-name", function, "--id", instance, "--input", json.dumps(input))


def test_a_running_host_is_steered(sqlite: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {**APP, **FAN_OUT, **SLOW, **GIVEN})
    durable, strange = Verbs(app, {}), "a+b %2F;c=\u00e9&d"  # without settings: it is the host that knows its hub
    with running(app, **sqlite) as host:
        assert "Started 'Steps'. Instance id: 'one'." in durable.start("Steps", "one")
        with launched("durable", "watch", "one", "--app", app) as (watch, output):
            for step in range(3):
                output.until(f"Running  step {step}")
                assert "Raised event 'Next'" in durable("raise-event", "--id", "one", "--event-name", "Next")
            assert watch.wait(PATIENCE) == 0
        assert output.lines[-2].endswith("Completed  step 2") and output.lines[-1] == "all"

        durable.start("Approval", "two", {"given": 3600})
        host.until(f"{WEBHOOKS}/instances/two", runtimeStatus="Running")
        assert "It is Suspended now." in durable("suspend", "two", "--reason", "lunch")
        assert "because instance is in the Suspended state" in durable("suspend", "two", code=1)
        assert "It is Running now." in durable("resume", "two")
        assert durable("get-instances", "--runtime-status", "running").splitlines()[1].split() == [
            *("two", "Approval", "Running"),
            *durable("get-instances").splitlines()[2].split()[3:7],
            "waiting",
        ]
        assert "It is Terminated now." in durable("terminate", "two", "--reason", "enough")
        assert "The instance 'two' is Terminated already" in durable("terminate", "two", code=1)

        durable.start("Fails", "bad")
        told = durable("watch", "bad", code=1)
        assert f'File "{app / "Unlucky" / "__init__.py"}", line 2, in main' in told and "$type" not in told
        assert "TaskFailed" in durable("get-history", "bad")
        assert "Sent 'rewind' to instance 'bad'." in durable("rewind", "bad")
        assert "Ids that begin so: bad, " not in durable("get-history", "ba", code=1)
        assert "Did you mean 'Fails'?" in durable("start-new", "--function-name", "Fials", code=1)
        for given in (5, "text"):
            durable.start("Given", strange, given)
            assert durable("watch", strange).splitlines()[-1] == (given if given == "text" else json.dumps(given))
        assert durable.documents("purge-history") == [{"instancesDeleted": 4}]


def test_a_running_host_goes_on_with_an_empty_hub(own: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {**APP, **SLOW, **FAN_OUT})
    durable = Verbs(app, {})
    with running(app, **own) as host:
        for instance in ("one", "two"):
            durable.start("Steps", instance)
            host.until(f"{WEBHOOKS}/instances/{instance}", customStatus="step 0")
        assert "There is no terminal to ask on." in durable(command=("reset",), code=1)
        assert "is empty. The host goes on." in durable("--yes", command=("reset",))
        assert "There is no instance 'one'" in durable("raise-event", "one", "--event-name", "Next", code=1)
        durable.start("Chain", "one", {"given": 3})
        assert durable("watch", "one").splitlines()[-1] == "[0, 1, 4]"
        assert [each["instanceId"] for each in durable.documents("get-instances")] == ["one"]
        host.output.until("was emptied: its instances, entities and messages are gone.")
        assert host.output.count("is made anew") == 0


def test_without_a_host_the_task_hub_itself_is_asked(own: Mapping[str, str], tmp_path: Path) -> None:
    app = write_app(tmp_path / "app", {**APP, **FAN_OUT, **SLOW})
    durable = Verbs(app, own)
    assert "There is no task hub" in durable("get-instances", code=1)
    assert "Did you mean 'Chain'?" in durable("start-new", "--function-name", "Chian", code=1)
    assert "No host runs: it begins when one does" in durable.start("Chain", "one", {"given": 3})
    durable.start("Approval", "two", {"given": 3600})
    assert "No host runs: it is taken when one does" in durable(
        "raise-event", "two", "--event-name", "Approved", "--event-data", "yes"
    )
    assert {each["runtimeStatus"] for each in durable.documents("get-instances")} == {"Pending"}
    durable.start("Steps", "three")
    with launched("durable", "watch", "three", "--app", app, **own) as (watch, output):
        output.until("Waiting for it; Ctrl-C ends this.")
        with running(app, **own):
            output.until("Running  step 0")
            assert durable("watch", "two").splitlines()[-1] == '{"approved": "yes"}'
        output.until("Waiting for it; Ctrl-C ends this.", 2)
        with running(app, **own) as host:
            for _ in range(3):
                durable("raise-event", "three", "--event-name", "Next")
            assert watch.wait(PATIENCE) == 0
            host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
            durable.start("Fails", "bad")
            durable("watch", "bad", code=1)
    assert [line.partition("  ")[2] for line in output.lines if "Running  " in line] == ["step 0", "step 1", "step 2"]
    assert output.lines[-1] == "all"
    assert durable("get-history", "one").splitlines()[-1].endswith("Completed [0, 1, 4]")
    (found,) = durable.documents("get-runtime-status", "one", "--show-output")
    assert (found["input"], found["output"]) == (None, [0, 1, 4])
    assert "the instance goes on when one does" in durable("rewind", "bad")
    (again,) = durable.documents("restart", "one")
    assert again["input"] == {"given": 3} and again["instanceId"] != "one"
    assert durable("purge-history").splitlines() == ["Instances deleted: 3"]
    assert list(app.glob(KEPT))
    assert "successfully deleted" in durable("delete-task-hub")
    assert not list(app.glob(KEPT))


def test_a_hub_that_a_host_of_another_folder_serves_is_not_emptied(storage: Azurite, tmp_path: Path) -> None:
    settings = {"AzureWebJobsStorage": storage.connection_string, HUB: f"V{uuid.uuid4().hex[:20]}"}
    ours, theirs = write_app(tmp_path / "ours", APP), write_app(tmp_path / "theirs", APP)
    reset = partial(Verbs(ours, settings), "--yes", command=("reset",))
    with running(theirs, **settings) as other:
        other.post(f"{WEBHOOKS}/orchestrators/Approval/one", json={"given": 3600})
        other.until(f"{WEBHOOKS}/instances/one", customStatus="waiting")
        assert "Another host serves the task hub as well" in reset(code=1)
        with running(ours, **settings) as host:
            host.output.until("serves 2 of the task hub's 4 queues.")
            assert "Another host serves the task hub as well" in reset(code=1)
            assert host.until(f"{WEBHOOKS}/instances/one", customStatus="waiting")["runtimeStatus"] == "Running"
    assert "is empty." in reset()


def test_the_storage_emulator_is_started_for_a_task_hub_that_lies_in_it(tmp_path: Path) -> None:
    program = ("-c", MOVED.format(ports=tuple(free_ports().by_service.values())))
    settings = {
        "AzureWebJobsStorage": STORAGE,
        "XDG_CACHE_HOME": asyncio.run(made_cache(tmp_path / "cache")),
        HUB: "Shop",
    }
    app = write_app(tmp_path / "app", {**APP, **FAN_OUT})
    durable = Verbs(app, settings, program)
    with running(app, program=program, **settings) as host:
        durable.start("Chain", "one", {"given": 3})
        host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
    told = durable("get-instances")
    assert "The storage emulator is started for this command" in told.replace("the storage", "The storage")
    assert told.splitlines()[-1].startswith("one  Chain  Completed")


@pytest.mark.parametrize("answer", ["n", "y"])
def test_reset_asks_in_a_terminal(sqlite: Mapping[str, str], tmp_path: Path, answer: str) -> None:
    app = write_app(tmp_path / "app", {**APP, **FAN_OUT})
    durable = Verbs(app, sqlite)
    durable.start("Chain", "one", {"given": 3})
    assert "This deletes 1 instance" in answered(answer, ["reset", "--app", str(app)], sqlite, int(answer == "n"))
    left = [each["instanceId"] for each in durable.documents("get-instances")]
    assert left == ([] if answer == "y" else ["one"])


def answered(answer: str, arguments: Sequence[str], settings: Mapping[str, str], code: int) -> str:
    """What the command prints that is given this answer in a terminal."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode())
        command = [sys.executable, *PROGRAM, *arguments]
        ended = subprocess.run(
            command,
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(settings),
            timeout=PATIENCE,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert ended.returncode == code, ended.stdout
    return ended.stdout


def test_mistakes_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text("{not JSON", "utf-8")
    for arguments, sentence in (
        (("terminate",), "one of the arguments ID --id is required"),
        (("start-new", "--function-name", "A", "--input", f"@{tmp_path / 'data.json'}"), "holds no JSON"),
        (("raise-event", "one", "--event-name", "A", "--event-data", '{"a'), "begins like JSON and is none"),
    ):
        code, lines = run("durable", *arguments, "--app", tmp_path)
        assert code == 2 and sentence in "\n".join(lines)
