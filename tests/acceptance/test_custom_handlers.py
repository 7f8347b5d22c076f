"""Apps whose functions are served by a program with an HTTP server, here one of a few lines."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from fnhost.host.system.ports import free_port
from tests.support.durable import WEBHOOKS
from tests.support.hosts import Host, run, running, write_app

HANDLER = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, kind="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Set-Cookie", "a=b")
        self.send_header("Set-Cookie", "c=d")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_): ...

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/api/"):
            return self.answer(418, [self.command, self.path, dict(self.headers), body.decode()])
        query = json.loads(body)["Data"]["req"]["Query"] if body else {}
        if "exit" in query:
            sys.stderr.write("bye\\n")
            os._exit(7)
        if "fail" in query:
            return self.answer(503, b"no", "text/plain")
        if "text" in query:
            return self.answer(200, b"no", "text/plain")
        said = {"version": 1, "pid": os.getpid(), "root": os.environ["FUNCTIONS_APP_ROOT_PATH"]}
        return self.answer(200, {"Outputs": {"res": {"statusCode": 201, "body": said}}, "Logs": ["said in the answer"]})

    do_GET = do_PUT = do_POST

print("listening", flush=True)
ThreadingHTTPServer(("127.0.0.1", int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])), Handler).serve_forever()
"""
TRIGGER = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
RES = {"name": "res", "type": "http", "direction": "out"}
LOGGED = {"name": "told", "type": "serviceBus", "direction": "out", "queueName": "work", "connection": "C"}
REPOSITORY = Path(__file__).parents[2]
RUNTIME = {"FUNCTIONS_WORKER_RUNTIME": "custom"}


def host_json(**section: object) -> str:
    description = {"defaultExecutablePath": sys.executable, "arguments": ["handler.py"]}
    return json.dumps({"version": "2.0", "customHandler": {"description": description, **section}})


def app(root: Path, **section: object) -> Path:
    files = {
        "host.json": host_json(**section),
        "handler.py": HANDLER,
        "Forwarded/function.json": json.dumps({"bindings": [TRIGGER, RES]}),
        "Called/function.json": json.dumps({"bindings": [TRIGGER, RES, LOGGED]}),
    }
    return write_app(root, files)


def pid_of(host: Host) -> int:
    return int(host.get("/api/Called").json()["pid"])


def test_a_request_is_forwarded_as_it_is_or_called_with_its_data(tmp_path: Path) -> None:
    with running(app(tmp_path, enableForwardingHttpRequest=True), **RUNTIME) as host:
        answer = host.client.put("/api/Forwarded?q=1%20x", content=b"body", headers={"user-agent": "me", "x-a": "b"})
        method, path, headers, body = answer.json()
        assert (answer.status_code, method, path, body) == (418, "PUT", "/api/Forwarded?q=1%20x", "body")
        assert headers["x-a"] == "b"
        assert headers["User-Agent"].startswith("me Azure-Functions-Host/")
        assert answer.headers.get_list("set-cookie") == ["a=b; path=/", "c=d; path=/"]
        host.output.until(f"Id={headers['X-Azure-Functions-InvocationId']}")
        called = host.get("/api/Called")
        assert (called.status_code, called.json()["root"]) == (201, str(tmp_path))
        host.output.until("said in the answer")
        assert host.output.count("listening") == 1


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("fail", "Response status code does not indicate success: 503 (Service Unavailable)."),
        ("text", "Invalid HttpResponseMessage: its Content-Type is text/plain, and must be application/json."),
        ("exit", "exited with code 7"),
    ],
)
def test_what_goes_wrong_is_a_failure_in_words(tmp_path: Path, query: str, text: str) -> None:
    with running(app(tmp_path), **RUNTIME) as host:
        before = pid_of(host)
        assert host.get(f"/api/Called?{query}=1").status_code == 500
        host.output.until(f"Exception: {'The custom handler ended: ' if query == 'exit' else ''}", 1)
        host.output.until(text)
        assert (pid_of(host) != before) is (query == "exit")


def test_a_saved_handler_is_live_and_the_old_process_ends(tmp_path: Path) -> None:
    with running(app(tmp_path), **RUNTIME) as host:
        before = pid_of(host)
        host.write("handler.py", HANDLER.replace('"version": 1', '"version": 2'))
        host.output.until("Reloaded in")
        assert host.get("/api/Called").json()["version"] == 2
        psutil.wait_procs([child for child in host.children() if child.pid == before], timeout=20)
        assert not psutil.pid_exists(before)
        host.write("handler.py", "raise SystemExit('broken')")
        host.output.until("The last good version keeps serving.")
        assert host.get("/api/Called").json()["version"] == 2
        alive = host.children()
        assert host.interrupt() == 0
        assert psutil.wait_procs(alive, timeout=10)[1] == []


def test_a_fixed_port_is_freed_before_the_next_version(tmp_path: Path) -> None:
    port = free_port()
    with running(app(tmp_path, port=port), **RUNTIME) as host:
        before = pid_of(host)
        host.write("handler.py", HANDLER.replace('"version": 1', '"version": 2'))
        host.output.until("Reloaded in")
        assert host.get("/api/Called").json()["version"] == 2
        assert pid_of(host) != before


DURABLE = """
import json, os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from tests.support.protobuf_orchestrator import greet, orchestrate

class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_): ...
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["Data"]
        (text,) = given.values()
        text = json.loads(text)
        answer = orchestrate(text) if self.path == "/Flow" else greet(text)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps({"ReturnValue": answer}).encode())

ThreadingHTTPServer(("127.0.0.1", int(os.environ["FUNCTIONS_CUSTOMHANDLER_PORT"])), Handler).serve_forever()
"""
"""A handler that speaks the protobuf form of Durable Functions."""


def trigger(kind: str) -> str:
    return json.dumps({"bindings": [{"name": "given", "type": kind, "direction": "in"}]})


def test_durable_functions_of_a_handler_run(tmp_path: Path, sqlite: Mapping[str, str]) -> None:
    functions = {
        "Flow/function.json": trigger("orchestrationTrigger"),
        "Greet/function.json": trigger("activityTrigger"),
    }
    write_app(app(tmp_path), {"host.json": host_json(), "handler.py": DURABLE, **functions})
    with running(tmp_path, **RUNTIME, **sqlite, PYTHONPATH=str(REPOSITORY)) as host:
        started = host.post("/runtime/webhooks/durabletask/orchestrators/Flow/one")
        assert started.status_code == 202
        done = host.until(f"{WEBHOOKS}/instances/one", runtimeStatus="Completed")
        assert (done["output"], done["customStatus"]) == (["Hello Tokyo!", "Hello Seattle!"], "2 of 2")


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"host.json": '{"version": "2.0"}'}, "host.json has no section customHandler that names the program"),
        (
            {"host.json": host_json(initializationTimeout="00:00:01"), "handler.py": "import time; time.sleep(60)"},
            "did not answer on port",
        ),
    ],
)
def test_a_handler_that_cannot_serve_is_told(tmp_path: Path, files: Mapping[str, str], text: str) -> None:
    write_app(app(tmp_path), {"host.json": host_json(), **files})
    code, lines = run("check", tmp_path, **RUNTIME)
    assert code == 1
    assert any(text in line for line in lines), lines
