"""Functions whose binding types have no service here: outputs go to the log, triggers stop their function alone."""

from pathlib import Path

import pytest

from tests.support.hosts import bindings, http, run, running, write_app

HTTP_IN = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
HTTP_OUT = {"name": "$return", "type": "http", "direction": "out"}
STRICT = {"AzureFunctionsJobHost__extensions__fnhost__unservedOutputs": "error"}
SEND = """
import azure.functions as func

def main(req: func.HttpRequest, message: func.Out[str]) -> str:
    message.set('{"to": "ada"}')
    return "sent"
"""
OUTPUTS = ["serviceBus", "SENDGRID", "eventHub", "cosmosDB"]


def app(root: Path, type: str) -> Path:
    output = {"name": "message", "type": type, "direction": "out", "connection": "Bus", "queueName": "work"}
    trigger = {
        "name": "message",
        "type": "serviceBusTrigger",
        "direction": "in",
        "queueName": "work",
        "connection": "Bus",
    }
    return write_app(
        root,
        {
            "Send/__init__.py": SEND,
            "Send/function.json": bindings(HTTP_IN, HTTP_OUT, output),
            "Work/__init__.py": "def main(message): ...\n",
            "Work/function.json": bindings(trigger),
            "Hello/__init__.py": "def main(req) -> str:\n    return 'hello'\n",
            "Hello/function.json": http(),
        },
    )


@pytest.mark.parametrize("type", OUTPUTS)
def test_an_output_goes_to_the_log(tmp_path: Path, type: str) -> None:
    with running(app(tmp_path, type)) as host:
        assert host.get("/api/Send").text == "sent"
        host.output.until("Output 'message' of function 'Send' goes nowhere on this machine: {\"to\": \"ada\"}")
        assert host.output.count("Output 'message' in 'Send/function.json' goes nowhere here") == 1


def test_a_trigger_stops_its_function_alone(tmp_path: Path) -> None:
    with running(app(tmp_path, "serviceBus")) as host:
        assert host.get("/api/Hello").text == "hello"
        host.output.until("The 'Work' function is in error:")
        host.output.until("This host does not serve serviceBusTrigger (direction in). It serves httpTrigger, http,")
        assert "serviceBusTrigger" in host.get("/admin/functions/Work/status").json()["errors"][0]


def test_an_input_stops_its_function(tmp_path: Path) -> None:
    code = app(tmp_path, "serviceBus")
    entry = {"name": "message", "type": "cosmosDB", "direction": "in"}
    (code / "Send/function.json").write_text(bindings(HTTP_IN, HTTP_OUT, entry))
    exit, lines = run("check", code)
    assert exit == 1
    assert any("This host does not serve cosmosDB (direction in)." in line for line in lines)


def test_a_setting_makes_an_output_an_error(tmp_path: Path) -> None:
    with running(app(tmp_path, "serviceBus"), **STRICT) as host:
        assert host.get("/api/Send").status_code == 404
        assert host.get("/api/Hello").text == "hello"
        host.output.until("This host does not serve serviceBus (direction out).")
