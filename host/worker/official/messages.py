"""What the host asks of an official worker, and what its answers mean (platform/official-workers.md 3 to 5)."""

from collections.abc import Iterable, Mapping

from fnhost.bindings.contract import RETURN, Failure, HttpRequest, Outcome, Value
from fnhost.bindings.http.request import read_metadata
from fnhost.host.app import Function
from fnhost.host.rpc import functionrpc_pb2 as rpc
from fnhost.host.worker import Invocation, RetryContext
from fnhost.host.worker.deferred import CONTENT_TYPE, VERSION, ModelBindingData, refusal
from fnhost.host.worker.official.capabilities import Capabilities
from fnhost.host.worker.official.values import decode, encode

HOST_VERSION = "4.1052.0.0"
DIRECTIONS = {"in": rpc.BindingInfo.IN, "out": rpc.BindingInfo.OUT, "inout": rpc.BindingInfo.INOUT}
DATA_TYPES = {
    None: rpc.BindingInfo.UNDEFINED,
    "undefined": rpc.BindingInfo.UNDEFINED,
    "string": rpc.BindingInfo.STRING,
    "binary": rpc.BindingInfo.BINARY,
    "stream": rpc.BindingInfo.STREAM,
}


def init_request(root: str, directory: str) -> rpc.WorkerInitRequest:
    return rpc.WorkerInitRequest(
        host_version=HOST_VERSION, worker_directory=directory, function_app_directory=root, capabilities={}
    )


def load_request(function: Function, *, manages_dependencies: bool = False) -> rpc.FunctionLoadRequest:
    """What a worker listed is told in its own words; types are spelled as in the app's file."""
    spelled = [_spelling(entry) for entry in function.config.get("bindings", ())]
    types = spelled if len(spelled) == len(function.bindings) else [binding.type for binding in function.bindings]
    metadata = rpc.RpcFunctionMetadata(
        name=function.name,
        directory=str(function.directory) if function.directory.is_absolute() else "",
        script_file=function.config["scriptFile"] if function.is_indexed else str(function.script),
        entry_point=function.entry_point,
        language=function.language,
        bindings={
            binding.name: rpc.BindingInfo(
                type=type, direction=DIRECTIONS[binding.direction], data_type=DATA_TYPES[binding.data_type]
            )
            for binding, type in zip(function.bindings, types, strict=True)
        },
        properties={"worker_indexed": "True"} if function.is_indexed else {},
    )
    return rpc.FunctionLoadRequest(
        function_id=function.worker_id, metadata=metadata, managed_dependency_enabled=manages_dependencies
    )


def _spelling(entry: Mapping[str, object]) -> str:
    return str(next(value for name, value in entry.items() if name.lower() == "type"))


def invocation_request(
    invocation: Invocation, can: Capabilities, places: Mapping[str, ModelBindingData], *, is_proxied: bool = False
) -> rpc.InvocationRequest:
    """`places` are told in the place of data, by binding. Of one that `is_proxied` the request goes another way.

    Raises TypeError, ValueError.
    """
    event = invocation.event
    told = read_metadata(event.value) if isinstance(event.value, HttpRequest) else event.metadata
    request = rpc.InvocationRequest(
        invocation_id=invocation.id,
        function_id=invocation.function.worker_id,
        input_data=[
            rpc.ParameterBinding(
                name=name,
                data=_place(places[name]) if name in places else _input(value, can, is_proxied=is_proxied),
            )
            for name, value in invocation.inputs.items()
        ],
        trigger_metadata={name: encode(value, can) for name, value in told.items() if value is not None},
        trace_context=rpc.RpcTraceContext(trace_parent=event.trace_parent, trace_state=event.trace_state),
    )
    if invocation.retry:
        request.retry_context.CopyFrom(_retry_context(invocation.retry))
    return request


def _place(data: ModelBindingData) -> rpc.TypedData:
    found = rpc.ModelBindingData(version=VERSION, source=data.source, content_type=CONTENT_TYPE, content=data.content)
    return rpc.TypedData(model_binding_data=found)


def _input(value: Value, can: Capabilities, *, is_proxied: bool) -> rpc.TypedData:
    if is_proxied and isinstance(value, HttpRequest):
        value = HttpRequest("", "", {}, {}, value.params if can.route_parameters else {})
    return encode(value, can)


def _retry_context(retry: RetryContext) -> rpc.RetryContext:
    context = rpc.RetryContext(retry_count=retry.count, max_retry_count=retry.limit)
    if retry.count:
        context.exception.message = retry.previous
    return context


def outcome(function: Function, answer: rpc.InvocationResponse) -> Outcome:
    """Raises ValueError for a value that cannot be read."""
    if is_failure(answer.result):
        return Outcome(failure=failure(answer.result))
    outputs: dict[str, Value] = {entry.name: decode(entry.data) for entry in answer.output_data}
    returned = decode(answer.return_value)
    if returned is not None and any(binding.name == RETURN for binding in function.bindings):
        outputs[RETURN] = returned
    return Outcome(outputs, returned)


def is_failure(result: rpc.StatusResult) -> bool:
    """A status that is not known is none, as on the platform: a worker may be newer than this host."""
    return result.status in (rpc.StatusResult.FAILURE, rpc.StatusResult.CANCELLED)


def failure(result: rpc.StatusResult) -> Failure:
    """In the form `<Type>: <text>`, where the worker says the type apart too."""
    exception = result.exception
    text = exception.message or result.result
    if exception.type and exception.type.rpartition(".")[2] not in text:
        text = f"{exception.type}: {text}"
    if not text:
        text = "The function was cancelled." if result.status == rpc.StatusResult.CANCELLED else "The function failed."
    return Failure(text, exception.stack_trace)


def load_failures(results: Iterable[tuple[Function, rpc.StatusResult]]) -> Mapping[str, str]:
    """Why functions cannot be called, by name."""
    told = {
        function.name: failure(result).message if is_failure(result) else refusal(function)
        for function, result in results
    }
    return {name: why for name, why in told.items() if why}
