"""A program that plays the official worker of a language, as far as a host can tell: started by a worker.config.json.

`PROFILE` in its environment is the JSON of one of `official_workers.PROFILES`. What a function does, its entry point
says: `echo` answers with all that the worker was told, others break the rules in the way of their name.
"""

import contextlib
import json
import os
import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import grpc

from fnhost.host.rpc import functionrpc_pb2 as rpc
from tests.support import powershell_orchestrator, streaming_server
from tests.support.protobuf_orchestrator import greet, orchestrate
from tests.support.unruly import METHOD, Unruly

UNLIMITED = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))
SUCCESS = rpc.StatusResult(status=rpc.StatusResult.SUCCESS)
REFUSAL = rpc.StatusResult(exception=rpc.RpcException(message="NoLicence: it is not signed"))
GARBAGE = b"\x0f\xff\xff\xff"
"""No message: a field of a type that there is not."""


def option(arguments: Sequence[str], name: str) -> str:
    return arguments[arguments.index(name) + 1]


class Worker(Unruly):
    """The worker's end of the stream."""

    def __init__(self, profile: dict[str, Any], arguments: Sequence[str]) -> None:
        self.profile, self.arguments = profile, arguments
        self.outgoing: queue.Queue[bytes | None] = queue.Queue()
        self.loaded: dict[str, rpc.RpcFunctionMetadata] = {}
        self.loading = threading.Lock()
        self.proxied: queue.Queue[str] = queue.Queue()
        self.started_with = option(arguments, profile["request_option"])

    def run(self) -> None:
        address = option(self.arguments, self.profile["address_option"]).removeprefix("http://").rstrip("/")
        channel = grpc.insecure_channel(address, UNLIMITED)
        self.channel = channel
        stream = channel.stream_stream(METHOD)
        self.worker_id = option(self.arguments, self.profile["id_option"])
        self.send(start_stream=rpc.StartStream(worker_id=self.worker_id))
        with contextlib.suppress(grpc.RpcError):
            for data in stream(iter(self.outgoing.get, None)):
                self.received(rpc.StreamingMessage.FromString(data))
        if self.profile["outlives_its_stream"]:
            threading.Event().wait()
        os._exit(1)

    def send(self, request_id: str = "", **content: Any) -> None:
        own = self.started_with if self.profile["own_request_ids"] else request_id
        self.outgoing.put(rpc.StreamingMessage(request_id=own, **content).SerializeToString())

    def received(self, message: rpc.StreamingMessage) -> None:
        match message.WhichOneof("content"):
            case "worker_init_request":
                self.init(message.request_id)
            case "functions_metadata_request":
                answer = (
                    listed()
                    if self.profile["lists"]
                    else rpc.FunctionMetadataResponse(use_default_metadata_indexing=True, result=SUCCESS)
                )
                self.send(message.request_id, function_metadata_response=answer)
            case "function_load_request":
                self.load(message)
            case "invocation_request":
                threading.Thread(target=self.invoke, args=(message.invocation_request,), daemon=True).start()
            case "worker_status_request":
                self.send(message.request_id, worker_status_response=rpc.WorkerStatusResponse())
            case "invocation_cancel":
                print("told to cancel", flush=True)
            case "worker_terminate" if self.profile["terminates"]:
                print("told to terminate", flush=True)
                os._exit(0)

    def init(self, request_id: str) -> None:
        capabilities = dict.fromkeys(self.profile["capabilities"], "true")
        if self.profile.get("proxies"):
            capabilities["HttpUri"] = self.serve_http()
        result = REFUSAL if self.profile.get("refuses") else SUCCESS
        answer = rpc.WorkerInitResponse(worker_version="9", capabilities=capabilities, result=result)
        self.send(request_id, worker_init_response=answer)

    def load(self, message: rpc.StreamingMessage) -> None:
        asked = message.function_load_request
        if asked.managed_dependency_enabled:
            print("told to install dependencies", flush=True)
        result = SUCCESS
        if asked.metadata.entry_point == "unloadable":
            exception = rpc.RpcException(message="NoSuchMethodException: it is not there")
            result = rpc.StatusResult(status=rpc.StatusResult.FAILURE, exception=exception)
        self.loaded[asked.function_id] = asked.metadata
        answer = rpc.FunctionLoadResponse(function_id=asked.function_id, result=result)
        self.send(message.request_id, function_load_response=answer)

    # Functions

    def invoke(self, asked: rpc.InvocationRequest) -> None:
        getattr(self, self.loaded[asked.function_id].entry_point.rpartition(".")[2])(asked)

    def answer(self, asked: rpc.InvocationRequest, **members: Any) -> None:
        response = rpc.InvocationResponse(invocation_id=asked.invocation_id, **{"result": SUCCESS, **members})
        self.send(invocation_response=response)

    def log(self, asked: rpc.InvocationRequest, text: str) -> None:
        sent = rpc.RpcLog(
            invocation_id=asked.invocation_id, category="played", level=rpc.RpcLog.INFORMATION, message=text
        )
        self.send(rpc_log=sent)

    def echo(self, asked: rpc.InvocationRequest) -> None:
        """Answers over HTTP what it was told, with a queue message where there is such an output."""
        self.log(asked, "seen in the worker")
        http = asked.input_data[0].data.http
        function = self.loaded[asked.function_id]
        told = {
            "pid": os.getpid(),
            "version": os.environ.get("VERSION", "") or version(),
            "root": os.environ["FUNCTIONS_APPLICATION_DIRECTORY"],
            "worker": os.environ["FUNCTIONS_WORKER_DIRECTORY"],
            "types": {name: info.type for name, info in function.bindings.items()},
            "script": function.script_file,
            "body": http.body.WhichOneof("data"),
            "raw": http.raw_body.WhichOneof("data"),
            "headers": "nullable" if http.nullable_headers else "plain",
            "query": {**http.query, **{name: value.value for name, value in http.nullable_query.items()}},
            "metadata": sorted(asked.trigger_metadata),
        }
        body = rpc.TypedData(string=json.dumps(told))
        cookie = rpc.RpcHttpCookie(name="a", value="b", max_age=rpc.NullableDouble(value=5))
        answer = rpc.RpcHttp(status_code="201", headers={"x-played": "yes"}, body=body, cookies=[cookie])
        outputs = [
            rpc.ParameterBinding(name=name, data=rpc.TypedData(string=http.body.binary.decode() or http.body.string))
            for name, info in function.bindings.items()
            if info.type == "queue"
        ]
        self.answer(asked, return_value=rpc.TypedData(http=answer), output_data=outputs)

    def back(self, asked: rpc.InvocationRequest) -> None:
        body = asked.input_data[0].data.http.body
        self.answer(asked, return_value=rpc.TypedData(http=rpc.RpcHttp(body=body)))

    def take(self, asked: rpc.InvocationRequest) -> None:
        count = asked.trigger_metadata["DequeueCount"]
        self.log(asked, f"took {asked.input_data[0].data.string} for the {count.json}. time")
        self.answer(asked)

    def fail(self, asked: rpc.InvocationRequest) -> None:
        exception = rpc.RpcException(message="it went wrong", type="My.Fault", stack_trace="at Play.fail")
        self.answer(asked, result=rpc.StatusResult(exception=exception))

    def twice(self, asked: rpc.InvocationRequest) -> None:
        self.back(asked)
        self.back(asked)
        self.send(invocation_response=rpc.InvocationResponse(invocation_id="of nobody", result=SUCCESS))

    def never(self, asked: rpc.InvocationRequest) -> None:
        self.log(asked, "never answers")

    def crash(self, asked: rpc.InvocationRequest) -> None:
        print("crashing", file=sys.stderr, flush=True)
        os._exit(9)

    def breaks(self, asked: rpc.InvocationRequest) -> None:
        """Its stream, and lives on."""
        self.profile["outlives_its_stream"] = True
        self.channel.close()

    def nonsense(self, asked: rpc.InvocationRequest) -> None:
        self.outgoing.put(GARBAGE)

    def places(self, asked: rpc.InvocationRequest) -> None:
        """What it is told of the data that it is to open itself."""
        told = {
            each.name: [data.version, data.source, data.content_type, json.loads(data.content)]
            for each in asked.input_data
            if each.data.HasField("model_binding_data")
            for data in [each.data.model_binding_data]
        }
        self.answer(asked, return_value=rpc.TypedData(string=json.dumps(told)))

    def strange(self, asked: rpc.InvocationRequest) -> None:
        """An answer of a kind that no worker may send."""
        self.answer(asked, return_value=rpc.TypedData(model_binding_data=rpc.ModelBindingData(source="x")))

    def orchestrate(self, asked: rpc.InvocationRequest) -> None:
        text = orchestrate(asked.input_data[0].data.string)
        self.answer(asked, return_value=rpc.TypedData(string=text))

    def greet(self, asked: rpc.InvocationRequest) -> None:
        self.answer(asked, return_value=rpc.TypedData(string=greet(asked.input_data[0].data.string)))

    def play(self, asked: rpc.InvocationRequest) -> None:
        """An orchestrator in PowerShell: its name says which script it is."""
        script = powershell_orchestrator.SCRIPTS[self.loaded[asked.function_id].name]
        is_external = os.environ.get("ExternalDurablePowerShellSDK") == "true"
        try:
            text = powershell_orchestrator.play(asked.input_data[0].data.string, script, is_external=is_external)
        except powershell_orchestrator.ScriptFailed as error:
            exception = rpc.RpcException(message=str(error))
            return self.answer(asked, result=rpc.StatusResult(exception=exception))
        self.answer(asked, return_value=rpc.TypedData(json=text))

    def hello(self, asked: rpc.InvocationRequest) -> None:
        self.answer(asked, return_value=rpc.TypedData(string=f"Hello {asked.input_data[0].data.string}!"))

    def client(self, asked: rpc.InvocationRequest) -> None:
        """Answers what its durable client is given."""
        text = next(each.data.string for each in asked.input_data if each.name == "client")
        self.answer(asked, return_value=rpc.TypedData(http=rpc.RpcHttp(body=rpc.TypedData(string=text))))

    def unloadable(self, asked: rpc.InvocationRequest) -> None:
        raise AssertionError("the host calls nothing that could not be loaded")

    # HTTP of its own

    def serve_http(self) -> str:
        serving = streaming_server.server()
        threading.Thread(target=serving.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{serving.server_port}/"

    def served(self, asked: rpc.InvocationRequest) -> None:
        assert not asked.input_data[0].data.http.method
        self.answer(asked)

    def fail_midway(self, asked: rpc.InvocationRequest) -> None:
        streaming_server.begun.wait()
        self.fail(asked)

    def never_served(self, asked: rpc.InvocationRequest) -> None:
        """Waits to be cancelled."""


def version() -> str:
    """Of the app: what its build wrote."""
    files = [*Path(os.environ["FUNCTIONS_APPLICATION_DIRECTORY"]).glob("app.*")]
    return files[0].read_text("utf-8") if files else ""


def listed() -> rpc.FunctionMetadataResponse:
    """The functions that listed.json in the app describes."""
    root = Path(os.environ["FUNCTIONS_APPLICATION_DIRECTORY"])
    functions = json.loads((root / "listed.json").read_text("utf-8"))
    return rpc.FunctionMetadataResponse(result=SUCCESS, function_metadata_results=list(of_file(functions)))


def of_file(functions: Sequence[dict[str, Any]]) -> Iterator[rpc.RpcFunctionMetadata]:
    for each in functions:
        yield rpc.RpcFunctionMetadata(
            name=each["name"],
            function_id=f"id of {each['name']}",
            script_file="App.dll",
            entry_point=each["entryPoint"],
            raw_bindings=each.get("raw") or [json.dumps(binding) for binding in each["bindings"]],
            retry_options=rpc.RpcRetryOptions(**each["retry"]) if "retry" in each else None,
        )


if __name__ == "__main__":
    Worker(json.loads(os.environ["PROFILE"]), sys.argv[1:]).run()
