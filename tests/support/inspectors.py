"""A client of Node's inspector, which attaches again whenever its connection ends, as VS Code does with `restart`."""

import asyncio
import itertools
import time
from typing import Any

import aiohttp

from tests.support.hosts import PATIENCE

Message = dict[str, Any]


class InspectorClient:
    """Attached to the first worker that a port lists, with a breakpoint at a line (from 0) of files `pattern`."""

    def __init__(self, session: aiohttp.ClientSession, port: int, pattern: str, line: int) -> None:
        self._session, self._port = session, port
        self._breakpoint = {"lineNumber": line, "urlRegex": pattern}
        self._numbers = itertools.count(1)

    async def attach(self) -> None:
        self._socket = await self._session.ws_connect((await self._first())["webSocketDebuggerUrl"])
        await self.ask("Debugger.enable")
        await self.ask("Debugger.setBreakpointByUrl", **self._breakpoint)
        await self.ask("Runtime.runIfWaitingForDebugger")

    async def ask(self, method: str, **parameters: object) -> Message:
        number = next(self._numbers)
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        while (message := await self._socket.receive_json(timeout=PATIENCE)).get("id") != number:
            assert message.get("method") != "Debugger.paused", message
        assert "error" not in message, message
        return dict(message["result"])

    async def next_pause(self) -> str:
        """The id of the frame where a breakpoint holds."""
        while (message := await self._socket.receive_json(timeout=PATIENCE)).get("method") != "Debugger.paused":
            pass
        return str(message["params"]["callFrames"][0]["callFrameId"])

    async def evaluate(self, frame: str, expression: str) -> object:
        return (await self.ask("Debugger.evaluateOnCallFrame", callFrameId=frame, expression=expression))["result"][
            "value"
        ]

    async def go_on(self) -> None:
        await self.ask("Debugger.resume")

    async def ended(self) -> None:
        """Wait until the host or the worker has ended the connection."""
        while not (await self._socket.receive(timeout=PATIENCE)).type == aiohttp.WSMsgType.CLOSED:
            if self._socket.closed:
                return

    async def _first(self) -> Message:
        end = time.monotonic() + PATIENCE
        while True:
            try:
                async with self._session.get(f"http://localhost:{self._port}/json/list") as answer:
                    if listed := await answer.json():
                        return dict(listed[0])
            except aiohttp.ClientError:
                assert time.monotonic() < end, f"nothing listens on port {self._port}"
            await asyncio.sleep(0.02)
