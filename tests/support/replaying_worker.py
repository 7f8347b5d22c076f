"""Plays the worker's side of a recorded conversation: `RECORDING` in its environment is the name of the recording.

What the host says otherwise than it did then ends the process, with the differences on its stderr.
"""

import os
import queue
import sys

import grpc

from fnhost.host.rpc import functionrpc_pb2 as rpc
from tests.support.conversations import Replay, as_frame, as_message, read
from tests.support.scripted_worker import UNLIMITED, option
from tests.support.unruly import METHOD

AT_ITS_END = "The recorded conversation is at its end."
UNASKED = ("worker_terminate", "invocation_cancel")
"""What depends on when the host ends, and is in no recording."""


class Player:
    """Says what the worker said, as soon as it has heard what it had heard then."""

    def __init__(self, replay: Replay) -> None:
        self._replay, self._outgoing = replay, queue.Queue[bytes | None]()

    def run(self, address: str, worker: str) -> None:
        self._send(rpc.StreamingMessage(start_stream=rpc.StartStream(worker_id=worker)))
        self._go_on()
        stream = grpc.insecure_channel(address, UNLIMITED).stream_stream(METHOD)
        for data in stream(iter(self._outgoing.get, None)):
            self._hear(rpc.StreamingMessage.FromString(data))

    def _hear(self, message: rpc.StreamingMessage) -> None:
        kind = message.WhichOneof("content")
        if kind == "worker_status_request":
            return self._send(rpc.StreamingMessage(worker_status_response=rpc.WorkerStatusResponse()))
        if kind in UNASKED:
            return
        if why := self._replay.hear(as_frame(message)):
            print(f"The host says {kind} otherwise than it did: {why}", file=sys.stderr, flush=True)
            os._exit(3)
        self._go_on()

    def _go_on(self) -> None:
        for frame in self._replay.say():
            self._send(as_message(frame))
        if self._replay.is_over:
            print(AT_ITS_END, flush=True)

    def _send(self, message: rpc.StreamingMessage) -> None:
        self._outgoing.put(message.SerializeToString())


def main(arguments: list[str]) -> None:
    folders = {
        "{app}": os.environ["FUNCTIONS_APPLICATION_DIRECTORY"],
        "{worker}": os.environ["FUNCTIONS_WORKER_DIRECTORY"],
    }
    player = Player(Replay(read(os.environ["RECORDING"]).frames, folders))
    address = option(arguments, "--functions-uri").removeprefix("http://").rstrip("/")
    player.run(address, option(arguments, "--functions-worker-id"))


if __name__ == "__main__":
    main(sys.argv[1:])
