"""The pure parts of the durable client side: links, payloads, query strings, routes."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from fnhost.bindings.contract import Binding, BindingError, Event, Fire, Json, Outcome, Value
from fnhost.bindings.durable import DurableServices, HubEndpoints, Kind, StartRequest, origin, requests
from fnhost.bindings.registry import binding_types
from fnhost.host.durable.client import InvalidId, UnknownFunction, expect_valid
from fnhost.host.durable.model.history import (
    EventRaised,
    EventSent,
    Execution,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    HistoryEvent,
    OrchestratorCompleted,
    OrchestratorStarted,
    RuntimeStatus,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
    SubOrchestrationInstanceFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from fnhost.host.durable.model.states import Instance
from fnhost.host.web.durable import payloads
from fnhost.host.web.durable.management import ROUTES
from fnhost.host.web.durable.query import Parameters

ADDRESS = HubEndpoints("http://localhost:7071", "TestHubName", key="KEY", rpc="http://127.0.0.1:17071/durabletask/")
T0 = "2024-05-01T10:00:00.1234567Z"
T1 = "2024-05-01T10:00:01.5000000Z"
T2 = "2024-05-01T10:00:02.0000000Z"


# --- links and the client payload -------------------------------------------------------------------------------------

CLIENT = """{
  "taskHubName": "TestHubName",
  "connectionName": null,
  "creationUrls": {
    "createNewInstancePostUri": "BASE/orchestrators/{functionName}[/{instanceId}]?code=KEY",
    "createAndWaitOnNewInstancePostUri": "BASE/orchestrators/{functionName}[/{instanceId}]?timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}&code=KEY"
  },
  "managementUrls": {
    "id": "INSTANCEID",
    "statusQueryGetUri": "BASE/instances/INSTANCEID?taskHub=TestHubName&connection=Storage&code=KEY",
    "sendEventPostUri": "BASE/instances/INSTANCEID/raiseEvent/{eventName}?taskHub=TestHubName&connection=Storage&code=KEY",
    "terminatePostUri": "BASE/instances/INSTANCEID/terminate?reason={text}&taskHub=TestHubName&connection=Storage&code=KEY",
    "rewindPostUri": "BASE/instances/INSTANCEID/rewind?reason={text}&taskHub=TestHubName&connection=Storage&code=KEY",
    "purgeHistoryDeleteUri": "BASE/instances/INSTANCEID?taskHub=TestHubName&connection=Storage&code=KEY",
    "restartPostUri": "BASE/instances/INSTANCEID/restart?taskHub=TestHubName&connection=Storage&code=KEY",
    "suspendPostUri": "BASE/instances/INSTANCEID/suspend?reason={text}&taskHub=TestHubName&connection=Storage&code=KEY",
    "resumePostUri": "BASE/instances/INSTANCEID/resume?reason={text}&taskHub=TestHubName&connection=Storage&code=KEY"
  },
  "baseUrl": "BASE",
  "requiredQueryStringParameters": "code=KEY",
  "rpcBaseUrl": "http://127.0.0.1:17071/durabletask/"
}""".replace("BASE", "http://localhost:7071/runtime/webhooks/durabletask")  # noqa: E501


def test_the_client_payload_is_the_platforms() -> None:
    assert json.loads(ADDRESS.client()) == json.loads(CLIENT)


def test_without_a_key_links_have_no_code() -> None:
    payload = json.loads(HubEndpoints("http://localhost:7071", "Hub").client())
    start = "http://localhost:7071/runtime/webhooks/durabletask/orchestrators/{functionName}[/{instanceId}]?"
    assert payload["creationUrls"]["createNewInstancePostUri"] == start
    assert payload["managementUrls"]["statusQueryGetUri"].endswith("?taskHub=Hub&connection=Storage")
    assert payload["requiredQueryStringParameters"] == ""
    assert payload["rpcBaseUrl"] is None


def test_a_start_answers_with_eight_members_and_a_form_encoded_id() -> None:
    links = ADDRESS.started("order 1:ü")
    assert len(links) == 8
    assert links["id"] == "order 1:ü"
    assert "/instances/order+1%3A%C3%BC/terminate?reason={text}&" in links["terminatePostUri"]


@pytest.mark.parametrize(
    ("host_name", "expected"),
    [
        ("localhost:7071", "http://localhost:7071"),
        ("127.0.0.1:7071", "https://127.0.0.1:7071"),
        ("my.example", "https://my.example"),
    ],
)
def test_links_are_plain_http_on_localhost_alone(host_name: str, expected: str) -> None:
    assert origin(host_name) == expected


# --- bindings ---------------------------------------------------------------------------------------------------------


class Recorder:
    """An engine and a starter that write down what they are asked."""

    def __init__(self) -> None:
        self.served: list[tuple[Kind, str]] = []
        self.started: list[tuple[str, str | None, str | None]] = []
        self.is_serving = asyncio.Event()

    @contextmanager
    def serving(self, kind: Kind, name: str, fire: Fire) -> Iterator[None]:
        self.served.append((kind, name))
        self.is_serving.set()
        yield
        self.served.remove((kind, name))

    async def start(self, name: str, instance: str | None = None, input: str | None = None) -> str:
        self.started.append((name, instance, input))
        return instance or "made-up"


def opened(recorder: Recorder, type: str, direction: Any = "in", **properties: str) -> Any:
    binding = Binding("b", type, direction, properties=properties)
    services, open = DurableServices(recorder, recorder, ADDRESS), binding_types()[type].open
    assert open
    return open(services, "Fn", binding, (binding,))


async def nothing(event: Event) -> Outcome:
    return Outcome()


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("type", "properties", "expected"),
    [
        ("orchestrationtrigger", {}, ("orchestrator", "Fn")),
        ("orchestrationtrigger", {"orchestration": "Other"}, ("orchestrator", "Other")),
        ("activitytrigger", {}, ("activity", "Fn")),
        ("activitytrigger", {"activity": "Other"}, ("activity", "Other")),
    ],
)
async def test_a_trigger_serves_while_it_listens(type: str, properties: dict[str, str], expected: Any) -> None:
    recorder = Recorder()
    stopping = asyncio.Event()
    listening = asyncio.create_task(opened(recorder, type, **properties).listen(nothing, stopping))
    await recorder.is_serving.wait()
    assert recorder.served == [expected]
    stopping.set()
    await listening
    assert not recorder.served


@pytest.mark.anyio
async def test_a_trigger_can_be_cancelled() -> None:
    recorder = Recorder()
    listening = asyncio.create_task(opened(recorder, "activitytrigger").listen(nothing, asyncio.Event()))
    await recorder.is_serving.wait()
    listening.cancel()
    await asyncio.wait([listening])
    assert listening.cancelled()


@pytest.mark.anyio
@pytest.mark.parametrize("type", ["durableclient", "orchestrationclient"])
async def test_a_client_input_is_text_that_names_the_bindings_hub(type: str) -> None:
    adapter = opened(Recorder(), type, taskHub="Other", connectionName="Mine")
    payload = await adapter.read(Event("Fn", None, ""))
    assert isinstance(payload, str)
    assert json.loads(payload)["taskHubName"] == "Other"
    assert "taskHub=Other&connection=Mine&code=KEY" in json.loads(payload)["managementUrls"]["restartPostUri"]


@pytest.mark.anyio
async def test_each_value_written_to_a_client_output_starts_an_orchestration() -> None:
    recorder = Recorder()
    written = ('{"FunctionName":"A"}', '{"functionname":"B","InstanceId":"b","Input":{"n":1}}')
    await opened(recorder, "durableclient", "out").write(written, Event("Fn", None, ""))
    assert recorder.started == [("A", None, None), ("B", "b", '{"n":1}')]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, []),
        ('{"FunctionName":"A","Input":"x"}', [StartRequest("A", None, '"x"')]),
        (Json('[{"FunctionName":"A"},{"FunctionName":"B","InstanceId":""}]'), [("A", None, None), ("B", None, None)]),
        (b'{"functionName":"A","input":false}', [StartRequest("A", None, "false")]),
    ],
)
def test_written_values_are_start_requests(value: Value, expected: list[Any]) -> None:
    assert requests(value, "here") == [StartRequest(*each) if isinstance(each, tuple) else each for each in expected]


@pytest.mark.parametrize("value", ["A", "[1]", '{"InstanceId":"x"}', '{"FunctionName":"A","InstanceId":1}', 5])
def test_other_written_values_are_refused_by_name(value: Value) -> None:
    with pytest.raises(BindingError, match="here starts orchestrations: write a JSON object with FunctionName"):
        requests(value, "here")


# --- checks of a start ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("instance", ["@x", "a/b", "a\\b", "a#b", "a?b", "a\nb", "a\x85b", "x" * 257])
def test_bad_ids_are_refused(instance: str) -> None:
    with pytest.raises(InvalidId):
        expect_valid(instance)


@pytest.mark.parametrize("instance", [None, "", "a b", "a:b@c", "ü漢", "x" * 256, "a+b%20"])
def test_odd_ids_are_fine(instance: str | None) -> None:
    expect_valid(instance)


def test_an_unknown_function_names_the_known() -> None:
    known = "Additional info: The following are the known orchestrator functions: 'A', 'B'."
    assert str(UnknownFunction("X", ["A", "B"])).endswith(known)
    assert str(UnknownFunction("X", [])).endswith(
        "Additional info: No orchestrator functions are currently registered!"
    )


# --- query strings ----------------------------------------------------------------------------------------------------


def test_names_match_in_any_case_and_repeated_values_are_joined() -> None:
    parameters = Parameters.parse("RuntimeStatus=Running&runtimestatus=Failed&Reason=a+b%26c")
    assert parameters.text("runtimeStatus") == "Running,Failed"
    assert parameters.text("reason") == "a b&c"
    assert parameters.text("other") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [("true", True), ("True", True), ("+TRUE+", True), ("false", False), ("1", None), ("yes", None), ("", None)],
)
def test_flags(text: str, expected: bool | None) -> None:
    parameters = Parameters.parse(f"f={text}")
    for default in (True, False):
        assert parameters.flag("f", default) is (default if expected is None else expected)


def test_numbers_that_cannot_be_read_are_absent() -> None:
    parameters = Parameters.parse("a=5&b=x&c=1.5&d=-1&e=nan&f=inf")
    assert [parameters.whole(name) for name in "abcz"] == [5, None, None, None]
    assert [parameters.seconds(name) for name in "abcdefz"] == [5.0, None, 1.5, None, None, None, None]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-02T03:04:05.000678Z", "2024-01-02T03:04:05.0006780Z"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05.0000000Z"),
        ("2024-01-02T03:04:05.1234567Z", "2024-01-02T03:04:05.1234567Z"),
        ("2024-01-02T03:04", "2024-01-02T03:04:00.0000000Z"),
        ("2024-01-02", "2024-01-02T00:00:00.0000000Z"),
        ("2024-01-02+03:04:05", "2024-01-02T03:04:05.0000000Z"),
        ("2024-01-02T03:04:05%2B02:00", "2024-01-02T01:04:05.0000000Z"),
        ("2024-01-02T03:04:05+00:00", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates(text: str, expected: str | None) -> None:
    assert Parameters.parse(f"from={text}").moment("from") == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("s=Running,+Failed&s=5", {RuntimeStatus.Running, RuntimeStatus.Failed, RuntimeStatus.Terminated}),
        ("s=running,Nonsense,99", set()),
        ("", set()),
    ],
)
def test_statuses(query: str, expected: set[RuntimeStatus]) -> None:
    assert Parameters.parse(query).statuses("s") == expected


# --- routes -----------------------------------------------------------------------------------------------------------


def found(method: str, *segments: str) -> tuple[str, Mapping[str, str]] | None:
    for route in ROUTES:
        if (names := route.match(method, list(segments))) is not None:
            return route.handler.__name__, names
    return None


def test_words_match_in_any_case_and_names_keep_theirs() -> None:
    assert found("POST", "ORCHESTRATORS", "MyFn", "MyId") == ("start", {"function": "MyFn", "instance": "MyId"})
    assert found("POST", "Instances", "Id", "RAISEevent", "Ev") == ("raise_event", {"instance": "Id", "event": "Ev"})
    assert found("GET", "instances", "Terminate") == ("show", {"instance": "Terminate"})


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "orchestrators"),
        ("POST", "orchestrators/F/a/b"),
        ("POST", "instances/a/b/terminate"),
        ("GET", "orchestrators/F"),
        ("PUT", "instances/a"),
        ("POST", "instances/a"),
        ("GET", "instances/a/terminate"),
        ("GET", "entities/a/b/c"),
    ],
)
def test_all_else_has_no_route(method: str, path: str) -> None:
    assert found(method, *path.split("/")) is None


# --- payloads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (None, "null"),
        ("", '""'),
        ("  ", '""'),
        ('"hi"', '"hi"'),
        (' {"b": 1,  "a":2} ', '{"b": 1,  "a":2}'),
        ('"2024-01-02T03:04:05+00:00"', '"2024-01-02T03:04:05+00:00"'),
        ("1.0", "1.0"),
        ("42", "42"),
        ("42 is wrong", '"42 is wrong"'),
        ("Orchestrator function 'X' failed: no", "\"Orchestrator function 'X' failed: no\""),
        ("NaN", '"NaN"'),
        ("[" * 100_000, json.dumps("[" * 100_000)),
    ],
)
def test_stored_texts_are_shown_as_they_are_or_as_strings(stored: str | None, expected: str) -> None:
    assert payloads.shown(stored) == expected


def an_instance(**changes: Any) -> Instance:
    members = {
        "id": "i",
        "execution_id": "e",
        "name": "Fn",
        "status": RuntimeStatus.Running,
        "created": T0,
        "updated": T1,
    }
    return Instance(**{**members, **changes})


def test_a_status_has_eight_members_in_order_and_whole_seconds() -> None:
    text = payloads.status(an_instance(input='{"b":1, "a":2}', status=RuntimeStatus.Suspended))
    assert text == (
        '{"name":"Fn","instanceId":"i","runtimeStatus":"Suspended","input":{"b":1, "a":2},"customStatus":null,'
        '"output":null,"createdTime":"2024-05-01T10:00:00Z","lastUpdatedTime":"2024-05-01T10:00:01Z"}'
    )


def test_a_status_hides_the_input_and_tells_the_version_when_known() -> None:
    shown = json.loads(payloads.status(an_instance(input="1", version="2.0"), with_input=False))
    assert shown["input"] is None
    assert shown["version"] == "2.0"


STARTED = ExecutionStarted(timestamp=T0, orchestration_instance=Execution("i", "e"), name="Fn", input='{"c":"x"}')
EVENTS: tuple[HistoryEvent, ...] = (
    OrchestratorStarted(timestamp=T0),
    STARTED,
    TaskScheduled(timestamp=T0, event_id=0, name="Hello", input='["t"]'),
    TaskScheduled(timestamp=T0, event_id=1, name="Slow"),
    SubOrchestrationInstanceCreated(timestamp=T0, event_id=2, name="Child", instance_id="e:2"),
    SubOrchestrationInstanceCreated(timestamp=T0, event_id=3, name="Child", instance_id="e:3"),
    OrchestratorCompleted(timestamp=T1),
    TaskCompleted(timestamp=T1, task_scheduled_id=0, result='"Hi"'),
    SubOrchestrationInstanceFailed(timestamp=T2, task_scheduled_id=2, reason="no", details="d"),
    TimerCreated(timestamp=T1, event_id=4, fire_at=T2),
    TimerFired(timestamp=T2, timer_id=4, fire_at=T2),
    EventRaised(timestamp=T2, name="E", input='{"x":1}'),
    EventSent(timestamp=T2, event_id=5, instance_id="o", name="op", input="1"),
    ExecutionSuspended(timestamp=T2, reason="s"),
    ExecutionResumed(timestamp=T2),
    ExecutionTerminated(timestamp=T2, input="why"),
    ExecutionCompleted(timestamp=T2, orchestration_status=RuntimeStatus.Terminated, result="why"),
)
START_TIME, MIDDLE, END = "2024-05-01T10:00:00.1234567Z", "2024-05-01T10:00:01.5Z", "2024-05-01T10:00:02Z"
SHOWN = [
    {
        "EventType": "ExecutionStarted",
        "Input": '{"c":"x"}',
        "Correlation": None,
        "ParentTraceContext": None,
        "ScheduledStartTime": None,
        "Generation": None,
        "FunctionName": "Fn",
        "Timestamp": START_TIME,
    },
    {
        "EventType": "TaskScheduled",
        "Name": "Slow",
        "Input": None,
        "ParentTraceContext": None,
        "Tags": None,
        "Timestamp": START_TIME,
    },
    {
        "EventType": "SubOrchestrationInstanceCreated",
        "Name": "Child",
        "InstanceId": "e:3",
        "Input": None,
        "ClientSpanId": None,
        "Tags": None,
        "Timestamp": START_TIME,
    },
    {
        "EventType": "TaskCompleted",
        "Result": "Hi",
        "Timestamp": MIDDLE,
        "ScheduledTime": START_TIME,
        "FunctionName": "Hello",
        "Input": '["t"]',
    },
    {
        "EventType": "SubOrchestrationInstanceFailed",
        "Reason": "no",
        "Details": "d",
        "FailureDetails": None,
        "Timestamp": END,
        "ScheduledTime": START_TIME,
        "FunctionName": "Child",
        "Input": None,
    },
    {"EventType": "TimerCreated", "FireAt": END, "Timestamp": MIDDLE},
    {"EventType": "TimerFired", "FireAt": END, "Timestamp": END},
    {"EventType": "EventRaised", "Name": "E", "Input": '{"x":1}', "Timestamp": END},
    {"EventType": "EventSent", "InstanceId": "o", "Name": "op", "Input": "1", "Timestamp": END},
    {"EventType": "ExecutionSuspended", "Reason": "s", "Timestamp": END},
    {"EventType": "ExecutionResumed", "Reason": None, "Timestamp": END},
    {"EventType": "ExecutionTerminated", "Input": "why", "Timestamp": END},
    {
        "EventType": "ExecutionCompleted",
        "OrchestrationStatus": "Terminated",
        "Result": "why",
        "FailureDetails": None,
        "Timestamp": END,
    },
]


def test_a_history_is_shown_as_the_platform_shows_it() -> None:
    assert json.loads(payloads.history(EVENTS, with_inputs=True, with_outputs=True)) == SHOWN


@pytest.mark.parametrize(("with_inputs", "with_outputs"), [(True, False), (False, True), (False, False)])
def test_a_history_drops_inputs_and_results(with_inputs: bool, with_outputs: bool) -> None:
    dropped = (set() if with_inputs else {"Input"}) | (set() if with_outputs else {"Result"})
    expected = [{name: member for name, member in event.items() if name not in dropped} for event in SHOWN]
    assert json.loads(payloads.history(EVENTS, with_inputs=with_inputs, with_outputs=with_outputs)) == expected


def test_a_completion_without_its_cause_and_a_repeated_one_are_shown() -> None:
    done = SubOrchestrationInstanceCompleted(timestamp=T1, task_scheduled_id=0, result="1")
    failed = TaskFailed(timestamp=T1, task_scheduled_id=7, reason="r", details="d")
    created = SubOrchestrationInstanceCreated(timestamp=T0, event_id=0, name="Child", instance_id="x")
    shown = json.loads(payloads.history([created, done, done, failed], with_inputs=True, with_outputs=True))
    assert [event.get("FunctionName") for event in shown] == ["Child", "Child", None]
