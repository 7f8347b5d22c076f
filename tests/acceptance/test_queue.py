"""Queue trigger and output, over real queues (platform/queue.md 1 to 4)."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient

from fnhost.azurite import Azurite
from tests.support.hosts import Host, bindings, running, write_app
from tests.support.storage import fresh, queue, taken, texts, until_empty

HTTP_IN = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
HTTP_OUT = {"name": "$return", "type": "http", "direction": "out"}
SEND = """
import azure.functions as func

def main(req: func.HttpRequest, messages: func.Out[str]) -> str:
    messages.set({value})
    return "sent"
"""
WORK = """
import azure.functions as func

def main(message: func.QueueMessage, done: func.Out[str]) -> None:
    body = message.get_body().decode()
    if body.startswith("bad"):
        raise ValueError(body)
    done.set(f"{body} {message.dequeue_count} {message.insertion_time.year > 2000} {message.id != ''}")
"""


class Queues:
    """Names of this test alone."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.input, self.output = fresh("in"), fresh("out")


@pytest.fixture
def queues(storage: Azurite) -> Queues:
    return Queues(storage.connection_string)


def app(
    root: Path, queues: Queues, work: str = WORK, value: str = "req.get_body().decode()", type: str = "str"
) -> Path:
    send = {"name": "messages", "type": "queue", "direction": "out", "queueName": queues.input}
    trigger = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": queues.input.upper()}
    done = {"name": "done", "type": "queue", "direction": "out", "queueName": queues.output}
    return write_app(
        root,
        {
            "Send/__init__.py": SEND.format(value=value),
            "Send/function.json": bindings(HTTP_IN, HTTP_OUT, send),
            "Work/__init__.py": work,
            "Work/function.json": bindings(trigger, done),
            "host.json": '{"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 2}}}',
        },
    )


def started(app: Path, queues: Queues, **settings: str) -> Iterator[Host]:
    with running(app, AzureWebJobsStorage=queues.connection, **settings) as host:
        yield host


@pytest.fixture
def host(tmp_path: Path, queues: Queues) -> Iterator[Host]:
    yield from started(app(tmp_path, queues), queues)


@pytest.fixture
def output(queues: Queues) -> Iterator[QueueClient]:
    with queue(queues.connection, queues.output) as client:
        yield client


def test_what_an_output_writes_its_trigger_fires(host: Host, output: QueueClient) -> None:
    assert host.post("/api/Send", content="one").text == "sent"
    assert texts(output, 1) == ["one 1 True True"]
    host.output.until("Executed 'Functions.Work' (Succeeded")
    assert host.output.count("New queue message detected on") == 1
    assert host.output.count("Trigger Details: MessageId:") == 1


def test_a_message_of_another_program_is_found(host: Host, queues: Queues, output: QueueClient) -> None:
    with queue(queues.connection, queues.input) as client:
        client.create_queue()
        client.send_message("from outside")
    assert texts(output, 1) == ["from outside 1 True True"]


def test_a_json_array_is_one_message_for_each_element(host: Host, output: QueueClient) -> None:
    host.post("/api/Send", content=json.dumps(["a", {"b": 1}, 2]))
    assert texts(output, 3) == ["2 1 True True", "a 1 True True", '{\n  "b": 1\n} 1 True True']


def test_a_message_that_fails_is_tried_again_and_then_poison(host: Host, queues: Queues, output: QueueClient) -> None:
    host.post("/api/Send", content=json.dumps(["bad one", "good"]))
    with queue(queues.connection, f"{queues.input}-poison") as poison:
        assert texts(poison, 1) == ["bad one"]
    assert texts(output, 1) == ["good 1 True True"]
    host.output.until("Executed 'Functions.Work' (Succeeded")
    moved = f"Message has reached MaxDequeueCount of 2. Moving message to queue '{queues.input}-poison'."
    host.output.until(moved)
    assert host.output.count("Executed 'Functions.Work' (Failed") == 2
    with queue(queues.connection, queues.input) as client:
        until_empty(client)


def test_a_message_that_is_not_base64_is_poison_and_says_so(host: Host, queues: Queues) -> None:
    with queue(queues.connection, queues.input, is_base64=False) as client:
        client.create_queue()
        client.send_message("not ba*64")
    with queue(queues.connection, f"{queues.input}-poison", is_base64=False) as poison:
        assert texts(poison, 1) == ["not ba*64"]
    host.output.until("it is not base64. Send it base64-encoded, or set extensions.queues.messageEncoding to none")
    assert host.output.count("Executing 'Functions.Work'") == 0


def test_messages_without_encoding(tmp_path: Path, queues: Queues) -> None:
    encoding = {"AzureFunctionsJobHost__extensions__queues__messageEncoding": "none"}
    for host in started(app(tmp_path, queues), queues, **encoding):
        host.post("/api/Send", content="plain <&>")
        with queue(queues.connection, queues.output, is_base64=False) as client:
            assert texts(client, 1) == ["plain <&> 1 True True"]


def test_a_list_of_messages_is_written(tmp_path: Path, queues: Queues, output: QueueClient) -> None:
    value = "[func.QueueMessage(id='7', body=b'x'), func.QueueMessage(body=b'y')]"
    code = app(tmp_path, queues, value=value)
    send = (code / "Send/__init__.py").read_text().replace("func.Out[str]", "func.Out[func.QueueMessage]")
    (code / "Send/__init__.py").write_text(send)
    for host in started(code, queues):
        assert host.post("/api/Send").text == "sent"
        found = texts(output, 2)
    assert ['"body": "x"' in found[0], '"body": "y"' in found[1]] == [True, True]


def test_members_of_a_message_name_the_next_queue(tmp_path: Path, queues: Queues) -> None:
    code = app(tmp_path, queues)
    forward = {"name": "done", "type": "queue", "direction": "out", "queueName": "{to}-{DequeueCount}"}
    trigger = {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": queues.input}
    (code / "Work/function.json").write_text(bindings(trigger, forward))
    for host in started(code, queues):
        host.post("/api/Send", content=json.dumps({"to": queues.output}))
        with queue(queues.connection, f"{queues.output}-1") as client:
            assert len(texts(client, 1)) == 1
        host.post("/api/Send", content='{"other": 1}')
        host.output.until("No value for named parameter 'to'.")


def test_a_host_that_is_killed_loses_no_message(tmp_path: Path, queues: Queues, output: QueueClient) -> None:
    gate = tmp_path / "gate"
    held = f"import os, time\n{WORK}".replace(
        "    body =",
        f"    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n    body =",
    )
    code = app(tmp_path / "app", queues, work=held)
    hidden = (
        "-c",
        "from fnhost.bindings.queue import consumer; consumer.HIDDEN = 2; from fnhost.host.cli import main; main()",
    )
    with running(code, program=hidden, AzureWebJobsStorage=queues.connection) as host:
        host.post("/api/Send", content=json.dumps([f"m{number:02}" for number in range(20)]))
        host.output.until("Executing 'Functions.Work'", 16)
        children = host.children()
        host.kill()
        for child in children:
            child.wait(30)
    gate.touch()
    for _ in started(code, queues):
        found = texts(output, 20)
        assert sorted({line.split()[0] for line in found}) == [f"m{number:02}" for number in range(20)]
    assert taken(output) == []


def test_a_message_that_ends_its_worker_is_poison_and_the_host_stays(
    tmp_path: Path, queues: Queues, output: QueueClient
) -> None:
    ends = WORK.replace("    if body", "    if body == 'end':\n        __import__('os')._exit(3)\n    if body", 1)
    code = app(tmp_path, queues, work=ends)
    (code / "host.json").write_text('{"version": "2.0"}')
    for host in started(code, queues):
        host.post("/api/Send", content="end")
        with queue(queues.connection, f"{queues.input}-poison") as poison:
            assert texts(poison, 1) == ["end"]
        host.post("/api/Send", content="good")
        assert texts(output, 1) == ["good 1 True True"]
        host.output.until("Executed 'Functions.Work' (Succeeded")
        assert host.output.count("Executing 'Functions.Work'") == 6


def test_a_value_in_host_json_that_cannot_be_stops_only_its_functions(tmp_path: Path, queues: Queues) -> None:
    wrong = {"AzureFunctionsJobHost__extensions__queues__batchSize": "64"}
    code = app(tmp_path, queues)
    hello = {"Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n"}
    write_app(code, {**hello, "Hello/function.json": bindings(HTTP_IN, HTTP_OUT), "host.json": '{"version": "2.0"}'})
    for host in started(code, queues, **wrong):
        assert host.get("/api/Hello").text == "hello"
        assert host.post("/api/Send").status_code == 404
        host.output.until("extensions.queues.batchSize cannot be '64'. Write a whole number from 1 to 32.")
