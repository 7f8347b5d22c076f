"""What a worker may do against the rules: functions of the scripted worker, each called as its entry point says."""

import json
import os
import queue
import signal
import threading
from pathlib import Path
from typing import Any

import grpc

from fnhost.host.rpc import functionrpc_pb2 as rpc

METHOD = "/AzureFunctionsRpcMessages.FunctionRpc/EventStream"
FAILED = rpc.StatusResult(exception=rpc.RpcException(message="unasked"))


def text(value: str) -> rpc.TypedData:
    return rpc.TypedData(string=value)


class Unruly:
    """Answers with what cannot be, or speaks when it is not asked."""

    profile: dict[str, Any]
    outgoing: "queue.Queue[bytes | None]"
    channel: grpc.Channel
    worker_id: str

    def send(self, request_id: str = "", **content: Any) -> None: ...

    def answer(self, asked: rpc.InvocationRequest, **members: Any) -> None: ...

    def respond(self, asked: rpc.InvocationRequest, **members: Any) -> None:
        self.answer(asked, return_value=rpc.TypedData(http=rpc.RpcHttp(**members)))

    # Messages that nobody asked for, before an answer that is right

    def chatters(self, asked: rpc.InvocationRequest) -> None:
        """Empty messages, and answers to questions of long ago or never, most of them failures."""
        self.send()
        self.send(worker_init_response=rpc.WorkerInitResponse(result=FAILED, capabilities={"HttpUri": "http://x/"}))
        self.send(function_load_response=rpc.FunctionLoadResponse(function_id=asked.function_id, result=FAILED))
        self.send(function_load_response=rpc.FunctionLoadResponse(function_id="of nobody"))
        self.send(function_metadata_response=rpc.FunctionMetadataResponse(result=FAILED))
        self.send(worker_status_response=rpc.WorkerStatusResponse())
        self.send(invocation_request=asked)
        self.send(rpc_log=rpc.RpcLog(invocation_id="of nobody", level=99, log_category=98, message="of no level"))
        self.send(invocation_response=rpc.InvocationResponse(invocation_id="of nobody"))
        self.respond(asked, body=text("answered all the same"))

    def dials_again(self, asked: rpc.InvocationRequest) -> None:
        """Under its own id once more, and under one that no worker has: it answers how both ended."""
        codes = [self._dialled(worker) for worker in (self.worker_id, "nobody", "")]
        self.respond(asked, body=text(json.dumps(codes)))

    def _dialled(self, worker: str) -> str:
        hello = rpc.StreamingMessage(start_stream=rpc.StartStream(worker_id=worker)).SerializeToString()
        try:
            next(iter(self.channel.stream_stream(METHOD)(iter([hello]))))
        except grpc.RpcError as error:
            return str(error.code().name)  # type: ignore[attr-defined]
        return "taken"

    # Answers that cannot be

    def no_status(self, asked: rpc.InvocationRequest) -> None:
        """One of a number that there is not: that is no failure, as on the platform."""
        result = rpc.StatusResult(status=77)  # type: ignore[arg-type]
        self.answer(asked, result=result, return_value=text("answered all the same"))

    def no_result(self, asked: rpc.InvocationRequest) -> None:
        self.send(invocation_response=rpc.InvocationResponse(invocation_id=asked.invocation_id))

    def no_json(self, asked: rpc.InvocationRequest) -> None:
        self.respond(asked, body=rpc.TypedData(json="{no json"))

    def no_http_status(self, asked: rpc.InvocationRequest) -> None:
        """It is 200 then, as on the platform."""
        self.respond(asked, status_code="abc", body=text("answered all the same"))

    def split_header(self, asked: rpc.InvocationRequest) -> None:
        self.respond(asked, headers={"x-a": "b\r\nx-injected: c"})

    def split_name(self, asked: rpc.InvocationRequest) -> None:
        self.respond(asked, headers={"x-a: b\r\nx-injected": "c"})

    def split_cookie(self, asked: rpc.InvocationRequest) -> None:
        domain = rpc.NullableString(value="b\r\nx-injected: c")
        self.respond(asked, cookies=[rpc.RpcHttpCookie(name="a", value="b", domain=domain)])

    def endless_cookie(self, asked: rpc.InvocationRequest) -> None:
        age = rpc.NullableDouble(value=float("inf"))
        self.respond(asked, cookies=[rpc.RpcHttpCookie(name="a", value="b", max_age=age)])

    def late_cookie(self, asked: rpc.InvocationRequest) -> None:
        cookie = rpc.RpcHttpCookie(name="a", value="b")
        cookie.expires.value.seconds = 2**62
        self.respond(asked, cookies=[cookie])

    def http_in_http(self, asked: rpc.InvocationRequest) -> None:
        self.respond(asked, body=rpc.TypedData(http=rpc.RpcHttp(status_code="200")))

    def other_outputs(self, asked: rpc.InvocationRequest) -> None:
        """Of bindings that the function does not have, and one without a name."""
        outputs = [rpc.ParameterBinding(name=name, data=text("x")) for name in ("unknown", "", "req")]
        self.answer(asked, output_data=outputs, return_value=text("answered all the same"))

    # Its end

    def dies(self, asked: rpc.InvocationRequest) -> None:
        """As under kill -9: its stream is never closed by itself."""
        os.kill(os.getpid(), signal.SIGKILL)

    def hangs_up(self, asked: rpc.InvocationRequest) -> None:
        """Closes its side of the stream in order, and lives on."""
        self.profile["outlives_its_stream"] = True
        self.outgoing.put(None)

    def greet_at_last(self, asked: rpc.InvocationRequest) -> None:
        """An activity: its first run never ends."""
        try:
            Path(os.environ["BEGUN"]).touch(exist_ok=False)
        except FileExistsError:
            return self.greet(asked)  # type: ignore[attr-defined, no-any-return]
        print("the activity has begun", flush=True)
        threading.Event().wait()
