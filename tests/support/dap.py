"""A client of a debugger that speaks the Debug Adapter Protocol, and follows child processes as VS Code does."""

import itertools
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.hosts import PATIENCE

Message = dict[str, Any]


class Connection:
    """One session: requests go out, and everything that comes in goes to `received`."""

    def __init__(self, port: int, received: Callable[["Connection", Message], None]) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.settimeout(None)
        self._numbers = itertools.count(1)
        self._answers: dict[int, queue.Queue[Message]] = {}
        self._received = received
        self._sending = threading.Lock()
        self.thread = threading.Thread(target=self._read, daemon=True)
        self.thread.start()

    def send(self, command: str, **arguments: object) -> "queue.Queue[Message]":
        with self._sending:
            number = next(self._numbers)
            answer = self._answers[number] = queue.Queue()
            body = {"seq": number, "type": "request", "command": command, "arguments": arguments}
            text = json.dumps(body).encode()
            self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(text), text))
            return answer

    def ask(self, command: str, **arguments: object) -> Message:
        answer = self.send(command, **arguments).get(timeout=PATIENCE)
        assert answer["success"], answer
        return dict(answer.get("body") or {})

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            """The other side has closed it."""
        self.thread.join(PATIENCE)
        self._socket.close()

    def _read(self) -> None:
        reader = self._socket.makefile("rb")
        try:
            while head := reader.readline():
                assert head.lower().startswith(b"content-length:"), head
                reader.readline()
                message = json.loads(reader.read(int(head.partition(b":")[2])))
                if message["type"] == "response":
                    self._answers.pop(message["request_seq"]).put(message)
                else:
                    self._received(self, message)
        except OSError:
            return


@dataclass(frozen=True)
class Stop:
    """A thread that a breakpoint holds."""

    session: Connection
    thread: int

    def line(self) -> int:
        return int(self._frames()[0]["line"])

    def functions(self) -> list[str]:
        """The call stack, the innermost first."""
        return [str(frame["name"]) for frame in self._frames()]

    def evaluate(self, expression: str) -> str:
        frame = self._frames()[0]["id"]
        return str(self.session.ask("evaluate", expression=expression, frameId=frame, context="watch")["result"])

    def go_on(self) -> None:
        self.session.ask("continue", threadId=self.thread)

    def _frames(self) -> list[Message]:
        return list(self.session.ask("stackTrace", threadId=self.thread)["stackFrames"])


class Client:
    """Attached to the debugger at a port, with breakpoints that hold in every process of it."""

    def __init__(self, port: int, breakpoints: Mapping[Path, Sequence[int]], *, follows: bool = True) -> None:
        """`follows`: whether it opens sessions for child processes."""
        self.port = port
        self._breakpoints, self._follows = breakpoints, follows
        self.sessions: list[Connection] = []
        self.stops: queue.Queue[Stop] = queue.Queue()
        self.ended: queue.Queue[Connection] = queue.Queue()
        self._ready: queue.Queue[Connection] = queue.Queue()
        self._attach({"connect": {"host": "127.0.0.1", "port": port}})
        self.wait_for_session()

    def wait_for_session(self) -> Connection:
        """One more that has its breakpoints."""
        return self._ready.get(timeout=PATIENCE)

    def next_stop(self) -> Stop:
        return self.stops.get(timeout=PATIENCE)

    def close(self) -> None:
        for session in self.sessions:
            session.close()

    def _attach(self, configuration: Message) -> None:
        session = Connection(int(configuration["connect"]["port"]), self._received)
        self.sessions.append(session)
        session.ask("initialize", clientID="test", adapterID="debugpy", pathFormat="path")
        session.send("attach", **configuration)

    def _received(self, session: Connection, message: Message) -> None:
        body = message.get("body") or {}
        match message.get("event"):
            case "initialized":
                threading.Thread(target=self._configure, args=(session,), daemon=True).start()
            case "debugpyAttach" if self._follows:
                threading.Thread(target=self._attach, args=(body,), daemon=True).start()
            case "stopped":
                self.stops.put(Stop(session, body["threadId"]))
            case "terminated":
                self.ended.put(session)
                session.send("disconnect")

    def _configure(self, session: Connection) -> None:
        for file, lines in self._breakpoints.items():
            points = [{"line": line} for line in lines]
            session.ask("setBreakpoints", source={"path": str(file)}, breakpoints=points)
        session.ask("configurationDone")
        self._ready.put(session)


@contextmanager
def attached(port: int, breakpoints: Mapping[Path, Sequence[int]], *, follows: bool = True) -> Iterator[Client]:
    """A client for as long as the block lasts. It tries until the port listens."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            client = Client(port, breakpoints, follows=follows)
            break
        except ConnectionRefusedError:
            assert time.monotonic() < end, f"nothing listens on port {port}"
            time.sleep(0.02)
    try:
        yield client
    finally:
        client.close()
