"""Binding expressions that can never be filled are problems of their function (platform/expressions.md 2 and 3)."""

import json
from pathlib import Path
from typing import Any

import pytest

from fnhost.host.load.app import load

TIMER = {"type": "timerTrigger", "name": "timer", "schedule": "0 * * * * *"}
QUEUE = {"type": "queueTrigger", "name": "message", "queueName": "queue"}
BLOB = {"type": "blobTrigger", "name": "blob", "path": "in/{name}.{ext}"}
SETTINGS = {"AzureWebJobsStorage": "UseDevelopmentStorage=true"}


def told(root: Path, trigger: dict[str, Any], *others: dict[str, Any]) -> list[tuple[str, str]]:
    (root / "host.json").write_text('{"version": "2.0"}')
    (root / "F").mkdir()
    (root / "F" / "__init__.py").touch()
    (root / "F" / "function.json").write_text(json.dumps({"bindings": [trigger, *others]}))
    return [(problem.pointer, problem.message) for problem in load(root, SETTINGS).problems]


def out(**properties: str) -> dict[str, Any]:
    type = "blob" if "path" in properties else "table" if "tableName" in properties else "queue"
    return {"type": type, "name": "out", "direction": "out", **properties}


@pytest.mark.parametrize(
    ("trigger", "output", "pointer", "message"),
    [
        (TIMER, out(path="out/{id}"), "/bindings/1/path", "No value for named parameter 'id'."),
        (TIMER, out(queueName="{a.b}"), "/bindings/1/queueName", "No value for named parameter 'a'."),
        (BLOB, out(path="out/{nam}"), "/bindings/1/path", "No value for named parameter 'nam'."),
        (BLOB, out(tableName="t", rowKey="{other}"), "/bindings/1/rowKey", "No value for named parameter 'other'."),
        (QUEUE, out(path="o/{sys.name}"), "/bindings/1/path", "Error while accessing 'name': property doesn't exist."),
    ],
)
def test_a_name_that_can_never_be_filled(
    tmp_path: Path, trigger: dict[str, Any], output: dict[str, Any], pointer: str, message: str
) -> None:
    assert told(tmp_path, trigger, output) == [(pointer, message)]


@pytest.mark.parametrize(
    ("trigger", "path"),
    [
        (TIMER, "out/{sys.utcnow}/{rand-guid}/{DateTime:yyyy}/{SYS.RandGuid}/{timertrigger}"),
        (BLOB, "out/{NAME}/{ext}/{metadata.a}/{Properties.Length}"),
        (QUEUE, "out/{anything}/{the.message.says}"),
    ],
)
def test_names_that_may_be_filled(tmp_path: Path, trigger: dict[str, Any], path: str) -> None:
    assert told(tmp_path, trigger, out(path=path)) == []


def test_a_triggers_queue_has_no_expression(tmp_path: Path) -> None:
    text = "A trigger's queue cannot be named by an expression in braces: write its name."
    message = f"Unable to configure binding 'message' of type 'queueTrigger'. {text}"
    assert told(tmp_path, {**QUEUE, "queueName": "{name}"}) == [("/bindings/0/queueName", message)]
