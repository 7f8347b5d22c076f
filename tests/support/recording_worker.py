"""Stands between a host and a real official worker, and writes down what they say to each other.

`RECORDED_COMMAND` in its environment is the JSON of the worker's command line, `RECORDED_INTO` the folder of the file.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc

from fnhost.host.rpc import functionrpc_pb2 as rpc
from tests.support.conversations import HOST, WORKER, as_frame
from tests.support.scripted_worker import UNLIMITED, option
from tests.support.unruly import METHOD

SERVICE, NAME = METHOD.strip("/").split("/")


class Recorder:
    """A gRPC server for the worker, and a client of the host."""

    def __init__(self, host: str, file: Path) -> None:
        self._host, self._file = grpc.insecure_channel(host, UNLIMITED), file.open("w", encoding="utf-8")
        self._writing = threading.Lock()

    def serve(self) -> int:
        self.server = grpc.server(futures.ThreadPoolExecutor(4), options=UNLIMITED)
        handler: Any = grpc.stream_stream_rpc_method_handler(self._passed_on)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {NAME: handler}),))
        port: int = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()
        return port

    def _passed_on(self, said: Iterator[bytes], context: Any) -> Iterator[bytes]:
        for message in self._host.stream_stream(METHOD)(self._noted(WORKER, said)):
            self._note(HOST, message)
            yield message

    def _noted(self, who: str, messages: Iterator[bytes]) -> Iterator[bytes]:
        for message in messages:
            message = without_foreign_frames(message)
            self._note(who, message)
            yield message

    def _note(self, who: str, message: bytes) -> None:
        said = as_frame(rpc.StreamingMessage.FromString(message))
        with self._writing:
            self._file.write(json.dumps([who, said]) + "\n")
            self._file.flush()


def without_foreign_frames(data: bytes) -> bytes:
    """Of stack traces only what lies in the app: the rest is the worker's code, at places of one machine."""
    message, app = rpc.StreamingMessage.FromString(data), os.environ["FUNCTIONS_APPLICATION_DIRECTORY"]
    own = (app, *(f"({file.name}:" for file in Path(app).rglob("*.java")))
    for failure in exceptions(message):
        lines = failure.stack_trace.splitlines()
        kept = [line for line in lines if not line[:1].isspace() or any(name in line for name in own)]
        failure.stack_trace = "\n".join(kept)
    return message.SerializeToString()


def exceptions(message: rpc.StreamingMessage) -> Iterator[rpc.RpcException]:
    if message.rpc_log.HasField("exception"):
        yield message.rpc_log.exception
    if message.invocation_response.result.HasField("exception"):
        yield message.invocation_response.result.exception


def main(arguments: list[str]) -> int:
    host = option(arguments, "--functions-uri").removeprefix("http://").rstrip("/")
    recorder = Recorder(host, Path(os.environ["RECORDED_INTO"]) / f"{os.getpid()}.jsonl")
    port = recorder.serve()
    told = [each.replace(host, f"127.0.0.1:{port}") for each in arguments]
    told[told.index("--port") + 1] = str(port)
    return subprocess.run([*json.loads(os.environ["RECORDED_COMMAND"]), *told]).returncode


if __name__ == "__main__":
    os._exit(main(sys.argv[1:]))
