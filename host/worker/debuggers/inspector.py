"""Node's inspector: at one port, the workers of the newest version first.

Each worker opens an inspector of its own at a free port. Here is what clients are told of: /json/list names the workers
that live, and a WebSocket for one of them is passed on to it. A client that is attached to a worker of the version
before loses its connection when that worker is idle, attaches again by itself (`"restart": true` in VS Code), and finds
the new worker, which waits with user code until the client has set its breakpoints. One that holds a worker at a
breakpoint keeps it until that worker has ended.
"""

import contextlib
import ipaddress
import json
from asyncio import IncompleteReadError, LimitOverrunError, StreamReader, StreamWriter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fnhost.clock import Clock
from fnhost.host.logging.log import Log
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.worker.channel import WorkerChannel
from fnhost.host.worker.commands import Command
from fnhost.host.worker.debuggers.port import CATEGORY, Clients, DebugPort, Holder, relay

CLIENTS_PATIENCE = 3.0
"""Seconds that a client may take to attach to a new worker. User code runs then, without breakpoints."""
CLIENTS_TIME = 60.0
"""Seconds that the first worker waits for a client, when it is told to."""
LEFT = (
    "The client of the debugger did not attach to the worker process {pid} within {seconds:.0f} s: it runs without "
    'breakpoints. With "restart": true in launch.json VS Code attaches again after each save.'
)
FAILED = "The worker process {} is not debugged: {}"
LISTS = ("/json", "/json/list")
OF_NODE = ("/json/version", "/json/protocol")


@dataclass(eq=False)
class Target:
    """A worker with an inspector: its id in addresses, the port where it listens, and who is attached to it."""

    channel: WorkerChannel
    id: str
    port: int
    clients: Clients = field(default_factory=Clients)
    connections: set[StreamWriter] = field(default_factory=set)

    @property
    def can_be_left(self) -> bool:
        """Whether its client is needed elsewhere more: it is not held at a breakpoint, as it runs nothing."""
        return self.clients.are_attached() and not self.channel.running

    def cut(self) -> None:
        for connection in self.connections:
            connection.close()


class Inspector:
    """The `Debugger` for Node."""

    def __init__(self, command: Command, log: Log, clock: Clock, holder: Holder) -> None:
        assert command.debug
        self._log, self._clock = log, clock
        self._port = DebugPort(command.debug, self._serve, log, clock, holder)
        self._waits = command.debug.waits
        self._clients = Clients()
        self._tasks = BackgroundTasks(log)
        self._known: list[Target] = []

    async def open(self) -> None:
        await self._port.open()

    async def join(self, channel: WorkerChannel) -> None:
        left = [target for target in self._targets if target.can_be_left]
        waits, self._waits = self._waits, False
        answer = await channel.debug({"waits": waits or bool(left)}, self._clients.are_attached)
        if failure := answer["failure"]:
            return self._log.warning(CATEGORY, FAILED.format(channel.pid, failure))
        address = urlsplit(answer["url"])
        target = Target(channel, address.path.strip("/"), address.port or 0)
        self._known = [target, *self._targets]
        for each in left:
            each.cut()
        if waits or left:
            patience = CLIENTS_TIME if waits else CLIENTS_PATIENCE
            self._tasks.spawn("Waiting for the debugger's client", self._wait_for_client(target, patience))

    async def close(self) -> None:
        await self._port.close()
        self._tasks.cancel()
        await self._tasks.wait()

    @property
    def _targets(self) -> list[Target]:
        """The newest first."""
        return [target for target in self._known if target.channel.is_alive]

    async def _wait_for_client(self, target: Target, patience: float) -> None:
        """The worker runs on when its client says so; here, when none comes."""
        try:
            async with self._clock.timeout(patience):
                await target.clients.came()
        except TimeoutError:
            self._log.warning(CATEGORY, LEFT.format(pid=target.channel.pid, seconds=patience))
            await self._run_on(target)

    async def _run_on(self, target: Target) -> None:
        import aiohttp  # only needed where a client has gone

        with contextlib.suppress(aiohttp.ClientError, OSError):  # the worker has ended
            address = f"ws://127.0.0.1:{target.port}/{target.id}"
            async with aiohttp.ClientSession() as session, session.ws_connect(address) as opened:
                await opened.send_json({"id": 1, "method": "Runtime.runIfWaitingForDebugger"})
                await opened.receive()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
        except (IncompleteReadError, LimitOverrunError):
            return
        path, host = _read(head)
        if not _is_own_name(host):
            return writer.write(_response("400 Bad Request", {"error": "Ask by address, or as localhost."}))
        if path in LISTS:
            return writer.write(_response("200 OK", [self._entry(target, host) for target in self._targets]))
        for target in self._targets:
            if path in OF_NODE:
                return await relay(reader, writer, target.port, head)
            if path == f"/{target.id}":
                return await self._attach(target, reader, writer, head)
        writer.write(_response("404 Not Found", {"error": "There is no such worker, or it has ended."}))

    async def _attach(self, target: Target, reader: StreamReader, writer: StreamWriter, head: bytes) -> None:
        target.connections.add(writer)
        try:
            with target.clients, self._clients:
                await relay(reader, writer, target.port, head)
        finally:
            target.connections.discard(writer)

    def _entry(self, target: Target, host: str) -> dict[str, str]:
        """As Node's own list has it. `host` is the name that the client has for this port."""
        address = f"{host}/{target.id}"
        return {
            "description": "node.js instance",
            "devtoolsFrontendUrl": f"devtools://devtools/bundled/js_app.html?experiments=true&v8only=true&ws={address}",
            "faviconUrl": "https://nodejs.org/static/images/favicons/favicon.ico",
            "id": target.id,
            "title": f"Functions worker, process {target.channel.pid}",
            "type": "node",
            "url": "file://",
            "webSocketDebuggerUrl": f"ws://{address}",
        }


def _read(head: bytes) -> tuple[str, str]:
    """The path, and the value of the header Host."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    hosts = [line.partition(":")[2].strip() for line in lines if line.lower().startswith("host:")]
    return (words[1].partition("?")[0] if len(words) > 1 else ""), (hosts[0] if hosts else "")


def _is_own_name(host: str) -> bool:
    """Whether a page of the web cannot have it: its name could lead to this machine, an address or localhost cannot."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _response(status: str, content: object) -> bytes:
    body = json.dumps(content).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n".encode() + body
