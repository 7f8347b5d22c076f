"""Recorded conversations: what varies has a name, and comes again as the same value."""

import base64
from typing import Any

import pytest

from fnhost.host.rpc import durabletask_pb2 as pb
from fnhost.host.rpc import functionrpc_pb2 as rpc
from tests.support.conversations import (
    HOST,
    WORKER,
    Names,
    Replay,
    as_frame,
    as_message,
    differences,
    with_placeholders,
    with_values,
)

ID, OTHER = "0123abcd-0123-0123-0123-0123456789ab", "4567abcd-0123-0123-0123-0123456789ab"


def test_what_varies_is_named_once_for_each_value() -> None:
    told = {"a": f"{ID} at /home/me/app", "b": ["http://localhost:7071/x?code=k%3D==", OTHER, ID]}
    names = Names({"/home/me/app": "{app}"})
    assert with_placeholders(told, names) == {
        "a": "{id-2} at {app}",
        "b": ["http://localhost:{port-3}/x?code={key-4}==", "{id-5}", "{id-2}"],
    }


def test_two_that_are_the_same_second_have_two_names() -> None:
    assert with_placeholders(["2025-03-04T05:06:07Z"] * 2, Names()) == ["{second-1}", "{second-2}"]


@pytest.mark.parametrize(
    ("recorded", "said", "found"),
    [
        ({"a": "{id-1} {id-1}"}, {"a": f"{ID} {ID}"}, []),
        ({"a": "{id-1}", "b": "{id-1}"}, {"a": ID, "b": OTHER}, [f".b: '{OTHER}' instead of '{{id-1}}'"]),
        ({"a": "{id-1}"}, {"a": "none"}, [".a: 'none' instead of '{id-1}'"]),
        ({"a": '{"x":1,"y":[2]}'}, {"a": '{"y": [2], "x": 1}'}, []),
        ({"a": 1}, {"b": 1}, [".a is missing", ".b is new"]),
        ([1, 2], [1], [": [1] instead of [1, 2]"]),
    ],
)
def test_values_are_compared_with_what_stands_for_them(recorded: Any, said: Any, found: list[str]) -> None:
    assert list(differences(recorded, said, {})) == found


def test_the_worker_speaks_when_it_has_heard_what_it_heard_then() -> None:
    frames = [(HOST, "one {id-1}"), (HOST, "two"), (WORKER, "to {id-1}"), (HOST, "three"), (WORKER, "{id-2}")]
    replay = Replay(frames)
    assert list(replay.say()) == [] and not replay.hear("two")
    assert list(replay.say()) == [] and not replay.hear(f"one {ID}")
    assert list(replay.say()) == [f"to {ID}"] and not replay.is_over
    assert replay.hear("four") == ": 'four' instead of 'three'" and not replay.hear("three")
    assert len(list(replay.say())) == 1 and replay.is_over
    assert replay.hear("five") == "nothing more was expected"


def test_bytes_that_are_text_are_kept_as_text() -> None:
    message = rpc.StreamingMessage(rpc_log=rpc.RpcLog(message="x"))
    message.invocation_response.return_value.http.body.binary = b'{"a": 1}'
    frame = as_frame(message)
    assert frame["invocation_response"]["return_value"]["http"]["body"] == {"binary": 'utf-8:{"a": 1}'}
    assert as_message(with_values(frame, {})) == message


def test_messages_of_durable_functions_are_opened() -> None:
    request = pb.OrchestratorRequest(instance_id="one", new_events=[pb.HistoryEvent(event_id=-1)])
    response = pb.OrchestratorResponse(instance_id="one", actions=[pb.OrchestratorAction(id=2)])
    for said in (request, response):
        message = rpc.StreamingMessage()
        message.invocation_response.return_value.string = base64.b64encode(said.SerializeToString()).decode()
        frame = as_frame(message)
        opened = frame["invocation_response"]["return_value"]["string"]
        assert opened[type(said).__name__]["instance_id"] == "one"
        assert as_message(frame) == message
