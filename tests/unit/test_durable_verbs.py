"""The durable verbs without a task hub: what is read from the command line, and what people see."""

import argparse
import json
import os
from collections.abc import Sequence
from datetime import timedelta, timezone
from pathlib import Path

import pytest

from fnhost.azurite.owner import ProcessRecord
from fnhost.host.commands.durable import show
from fnhost.host.commands.durable.api import Answer, path_of
from fnhost.host.commands.durable.arguments import boolean, json_argument, moment, statuses
from fnhost.host.commands.durable.choice import HubChoice
from fnhost.host.commands.durable.inputs import encoded_for
from fnhost.host.commands.durable.output import Printer
from fnhost.host.commands.durable.parser import add_parsers
from fnhost.host.commands.durable.reset import expect_one_host
from fnhost.host.commands.durable.stored import place, plan_for
from fnhost.host.commands.durable.tables import columns, cut, labelled, table
from fnhost.host.commands.durable.verbs import known_functions
from fnhost.host.durable.client import UnknownFunction
from fnhost.host.errors import StartError
from fnhost.host.presence import FOLDER, RunningHost, announce, running_hosts, withdraw
from tests.support.hosts import write_app

EAST = timezone(timedelta(hours=5, minutes=30))
FAILURE = json.dumps(
    {"$type": "System.Exception", "StackTraceString": "Traceback\n  File 'a.py', line 2\nValueError\n"}
)


def instance(**members: object) -> dict[str, object]:
    return {
        "instanceId": "one",
        "name": "Chain",
        "runtimeStatus": "Running",
        "input": None,
        "customStatus": None,
        "output": None,
        "createdTime": "2026-05-01T08:00:00Z",
        "lastUpdatedTime": "2026-05-01T20:00:01Z",
        **members,
    }


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("3", "3"),
        ('{"a": 1}', '{"a": 1}'),
        ('"3"', '"3"'),
        ("Tokyo", '"Tokyo"'),
        ("", '""'),
        ("NaN", '"NaN"'),
        ("caf\u00e9 'x'", "\"caf\\u00e9 'x'\""),
    ],
)
def test_json_is_json_and_any_other_text_a_string(text: str, read: str) -> None:
    assert json_argument(text) == read


def test_what_is_no_object_is_a_string_of_json_for_python() -> None:
    assert encoded_for("python", ' {"a": 1}') == ' {"a": 1}'
    for text in ("3", "[1]", '"Tokyo"', "null"):
        assert json.loads(json.loads(encoded_for("python", text))) == json.loads(text)
        assert encoded_for("node", text) == text


@pytest.mark.parametrize("text", ["{a: 1}", "[1", '"open', '{"a": NaN}', "[" * 100_000])
def test_what_begins_like_json_must_be_json(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="begins like JSON and is none"):
        json_argument(text)


def test_a_file_holds_json(tmp_path: Path) -> None:
    file = tmp_path / "data.json"
    file.write_text('\ufeff{"a": 1}\n', "utf-8")
    assert json_argument(f"@{file}") == '{"a": 1}'
    file.write_text("Tokyo", "utf-8")
    with pytest.raises(argparse.ArgumentTypeError, match=r"data.json' holds no JSON"):
        json_argument(f"@{file}")
    file.write_bytes(b"\xff\xff")
    with pytest.raises(argparse.ArgumentTypeError, match=r"data.json' cannot be read"):
        json_argument(f"@{file}")
    with pytest.raises(argparse.ArgumentTypeError, match="No such file"):
        json_argument("@")


def test_times_are_utc_unless_they_say_otherwise() -> None:
    for text in ("2026-05-01T08:30:00Z", "2026-05-01 08:30", "2026-05-01T14:00:00+05:30", "05/01/2026 08:30"):
        assert moment(text) == "2026-05-01T08:30:00.0000000Z"
    with pytest.raises(argparse.ArgumentTypeError, match="'yesterday' is no time"):
        moment("yesterday")


def test_statuses_are_names_in_any_case() -> None:
    assert statuses("running, FAILED continuedasnew") == ["Running", "Failed", "ContinuedAsNew"]
    with pytest.raises(argparse.ArgumentTypeError, match="Did you mean 'Completed'"):
        statuses("complete")
    with pytest.raises(argparse.ArgumentTypeError, match="neither true nor false"):
        boolean("yes")


def parsed(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_parsers(parser.add_subparsers())
    return parser.parse_args(arguments)


def test_the_official_options_are_understood() -> None:
    found = parsed("durable", "get-runtime-status", "--id", "one", "--show-input", "--show-output", "true")
    assert (found.verb, found.instance_option, found.show_input, found.show_output) == (
        "get-runtime-status",
        "one",
        True,
        True,
    )
    found = parsed("durable", "get-instances", "--runtime-status", "running", "failed", "--top", "5")
    assert (found.runtime_status, found.top) == ([["Running"], ["Failed"]], 5)
    found = parsed("durable", "terminate", "one", "--reason", "x", "--task-hub-name", "Hub")
    assert (found.instance, found.reason, found.task_hub_name) == ("one", "x", "Hub")
    assert parsed("durable", "restart", "one").restart_with_new_instance_id
    assert parsed("reset", "--force").yes


@pytest.mark.parametrize(
    "arguments",
    [
        ("watch",),
        ("watch", "one", "--id", "two"),
        ("start-new",),
        ("raise-event", "one"),
        ("get-instances", "--top", "0"),
        ("get-instances", "--output", "xml"),
        ("nothing",),
    ],
)
def test_a_mistake_is_exit_code_2(arguments: Sequence[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parsed("durable", *arguments)
    assert ended.value.code == 2


def test_columns_are_aligned_and_cut_to_the_terminal() -> None:
    rows = [("one", "a long text", "x"), ("\u6771\u4eac", "b\nc", "")]
    assert table(("ID", "TEXT", "N"), rows, None, 1) == (
        "ID    TEXT         N\none   a long text  x\n\u6771\u4eac  b c"
    )
    narrow = table(("ID", "TEXT", "N"), rows, 18, 1).split("\n")
    assert narrow == ["ID    TEXT       N", "one   a long t\u2026  x", "\u6771\u4eac  b c"]
    assert max(map(columns, table(("ID", "TEXT", "N"), rows, 10, 1).split("\n"))) == 10


def test_a_text_is_cut_by_the_columns_that_it_takes() -> None:
    assert cut("\u6771\u4eac\u90fd", 6) == "\u6771\u4eac\u90fd"
    assert cut("\u6771\u4eac\u90fd", 5) == "\u6771\u4eac\u2026"
    assert cut("\u6771\u4eac\u90fd", 4) == "\u6771\u2026"
    assert columns("e\u0301") == 1


def test_names_and_values_stand_below_each_other() -> None:
    assert labelled([("A", "1\n2"), ("Long", "3")]) == "A     1\n      2\nLong  3"


def test_a_status_has_local_times_and_its_custom_status() -> None:
    text = show.status(instance(customStatus={"done": 3}), EAST)
    assert text.splitlines() == [
        "Instance       one",
        "Function       Chain",
        "Status         Running",
        'Custom status  {"done": 3}',
        "Created        2026-05-01 13:30:00",
        "Updated        2026-05-02 01:30:01",
    ]
    assert show.instances([instance(customStatus="three")], None, EAST).splitlines()[1] == (
        "one  Chain  Running  2026-05-01 13:30:00  2026-05-02 01:30:01  three"
    )


def test_a_failure_is_shown_with_the_users_traceback() -> None:
    found = instance(runtimeStatus="Failed", output=f"It failed \n {FAILURE}")
    assert show.output(found) == "It failed \nTraceback\n  File 'a.py', line 2\nValueError"
    assert show.readable('{"$type": broken') == '{"$type": broken'
    assert show.output(instance(output=FAILURE)) == FAILURE


def test_a_history_says_what_took_how_long() -> None:
    events = [
        {"EventType": "ExecutionStarted", "FunctionName": "Chain", "Timestamp": "2026-05-01T08:00:00.5Z"},
        {
            "EventType": "TaskFailed",
            "FunctionName": "Square",
            "Reason": "no luck\nat all",
            "ScheduledTime": "2026-05-01T08:00:00.500000Z",
            "Timestamp": "2026-05-01T08:00:02.7512345Z",
        },
        {"EventType": "TimerCreated", "FireAt": "2026-05-01T09:00:00Z", "Timestamp": "2026-05-01T08:00:03Z"},
        {"EventType": "EventRaised", "Name": "Go", "Input": '{"a":1}', "Timestamp": "2026-05-01T08:00:04Z"},
    ]
    assert show.history(events, None, EAST).splitlines() == [
        "TIME                     EVENT             NAME    SECONDS  DETAILS",
        "2026-05-01 13:30:00.500  ExecutionStarted  Chain",
        "2026-05-01 13:30:02.751  TaskFailed        Square  2.251    no luck",
        "2026-05-01 13:30:03.000  TimerCreated                       until 2026-05-01 14:30:00",
        '2026-05-01 13:30:04.000  EventRaised       Go               {"a":1}',
    ]


def test_the_names_of_functions_are_read_from_the_platforms_sentence() -> None:
    assert known_functions(str(UnknownFunction("X", ["A", "B"]))) == ["A", "B"]
    assert known_functions(str(UnknownFunction("X", []))) == []


def test_the_reason_of_an_answer_is_its_sentence() -> None:
    assert Answer(400, '{"Message": "m", "ExceptionMessage": "e"}').reason == "e"
    assert Answer(503, '{"Message": "m"}').reason == "m"
    assert Answer(412, '"s"').reason == "s"
    assert "answered 500" in Answer(500).reason
    assert path_of("instances", "a b/c+") == "instances/a%20b%2Fc%2B"


def test_each_form_prints_documents_its_own_way(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("table", "json", "ndjson"):
        Printer(form).many([{"a": 1}, {"a": 2}], "text")  # type: ignore[arg-type]
        Printer(form).change({"a": 1}, "change")  # type: ignore[arg-type]
        Printer(form).end({"a": 2}, "end")  # type: ignore[arg-type]
    text = capsys.readouterr().out
    people, _, programs = text.partition("end\n")
    assert people == "text\nchange\n"
    whole, last = '[\n  {\n    "a": 1\n  },\n  {\n    "a": 2\n  }\n]\n', '{\n  "a": 2\n}\n'
    assert programs == f'{whole}{last}{{"a": 1}}\n{{"a": 2}}\n{{"a": 1}}\n'


def test_a_running_host_is_found_by_its_note_and_a_dead_one_is_not(tmp_path: Path) -> None:
    ours = RunningHost.ours("http://127.0.0.1:1/secret/", "Hub", ("sqlite", "file", "hub"))
    announce(tmp_path, ours)
    note = tmp_path / FOLDER / f"{os.getpid()}.json"
    assert running_hosts(tmp_path) == [ours]
    assert note.stat().st_mode & 0o777 == 0o600
    dead = RunningHost(ProcessRecord(ours.pid, ours.process.created - 60), "", "Hub", ())
    (tmp_path / FOLDER / "1.json").write_text(json.dumps({"process": {"pid": dead.pid, "created": 0.0}}), "utf-8")
    (tmp_path / FOLDER / "2.json").write_text("{", "utf-8")
    assert running_hosts(tmp_path) == [ours]
    withdraw(tmp_path)
    assert running_hosts(tmp_path) == [] and list((tmp_path / FOLDER).glob("*.json")) == []


def test_a_hub_that_several_hosts_share_is_not_emptied(tmp_path: Path) -> None:
    choice = HubChoice(tmp_path)
    announce(tmp_path, RunningHost.ours("http://127.0.0.1:1/secret/", "Hub", ()))
    expect_one_host(choice)
    announce(tmp_path, RunningHost(ProcessRecord.of(os.getppid()), "http://127.0.0.1:2/secret/", "Hub", ()))
    with pytest.raises(StartError, match="2 hosts of this app run on the task hub"):
        expect_one_host(choice)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An app with a task hub in Azure Storage."""
    monkeypatch.setenv("FUNCTIONS_WORKER_RUNTIME", "python")
    monkeypatch.delenv("AzureWebJobsStorage", raising=False)
    values = {"Other": "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=a2V5;EndpointSuffix=example.com"}
    local = {"IsEncrypted": False, "Values": values}
    return write_app(tmp_path / "app", {"local.settings.json": json.dumps(local)})


def test_the_hub_is_that_of_the_app_unless_options_name_another(app: Path) -> None:
    plan = plan_for(HubChoice(app))[1]
    assert (plan.config.hub.name, plan.needs_emulator, place(plan)) == ("TestHubName", True, "the storage emulator")
    assert plan_for(HubChoice(app, "testhubname"))[1].location == plan.location
    plan = plan_for(HubChoice(app, "Hub", "Other"))[1]
    assert plan.config.hub.name == "Hub" and "example.com" in place(plan)
    for choice, sentence in (
        (HubChoice(app, "no-name"), "'no-name' is no name of a task hub"),
        (HubChoice(app, setting="Missing"), "There is no setting 'Missing'"),
    ):
        with pytest.raises(StartError, match=sentence):
            plan_for(choice)


def test_a_hub_in_a_file_has_a_file_for_each_name(app: Path) -> None:
    provider = {"extensions": {"durableTask": {"storageProvider": {"type": "sqlite"}}}}
    write_app(app, {"host.json": json.dumps({"version": "2.0", **provider})})
    assert plan_for(HubChoice(app, "Other"))[1].config.path == app / ".fnhost" / "Other.db"
    with pytest.raises(StartError, match="--connection-string-setting is for task hubs in Azure Storage"):
        plan_for(HubChoice(app, setting="Other"))


def test_a_note_with_another_start_of_the_same_process_id_counts_for_nothing(tmp_path: Path) -> None:
    ours = RunningHost.ours("http://127.0.0.1:1/secret/", "Hub", ())
    announce(tmp_path, RunningHost(ProcessRecord(ours.pid, ours.process.created - 60), "", "Hub", ()))
    assert running_hosts(tmp_path) == []
