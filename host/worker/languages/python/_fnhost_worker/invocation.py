"""One invocation: an `invocationRequest` becomes arguments, what the function returned an `invocationResponse`."""

from __future__ import annotations

from typing import Any

from .context import Context, Out
from .data import to_data, to_datum
from .errors import stack, title
from .forks import end_child
from .hooks import Hooks
from .signature import Conversion, Function
from .wire import Blobs, Message

FAILED = object()
"""Stands for the response of a function that gave none."""
Response = tuple[Message, Blobs]
"""An `invocationResponse`, and the blobs of its values."""


class Invocation:
    """`run` and `run_async` raise nothing: whatever user code raises, SystemExit too, is a response with a failure."""

    def __init__(self, function: Function, request: Message, blobs: bytes, hooks: Hooks) -> None:
        self.id: str = request["invocationId"]
        self._function = function
        self._request = request
        self._blobs = blobs
        self._hooks = hooks if hooks.are_used else None
        self._context: Context | None = None
        self.http_request: Any = None
        """Of a function that serves HTTP itself: the request, which does not come with the invocation."""
        self.http_response: Any = FAILED

    @property
    def route_params(self) -> dict[str, str]:
        request = next((each["data"] for each in self._request["inputData"] if "http" in (each["data"] or {})), None)
        return dict(request["http"]["params"]) if request else {}

    def run(self) -> Response:
        try:
            arguments = self._arguments()
            return self._success(arguments, self._function.call(**arguments))
        except BaseException as error:
            end_child(error)
            return self._failure(error)

    async def run_async(self) -> Response:
        try:
            arguments = self._arguments()
            return self._success(arguments, await self._function.call(**arguments))
        except BaseException as error:
            end_child(error)
            return self._failure(error)

    def _arguments(self) -> dict[str, Any]:
        function = self._function
        arguments: dict[str, Any] = {}
        for entry in self._request["inputData"]:
            if self.http_request is not None and entry["name"] == function.http_trigger:
                arguments[entry["name"]] = self.http_request
            else:
                arguments[entry["name"]] = self._decode(function.inputs[entry["name"]], entry["data"])
        for name in function.outputs:
            arguments[name] = Out()
        if function.wants_context or self._hooks:
            self._open_context(arguments)
        return arguments

    def _open_context(self, arguments: dict[str, Any]) -> None:
        self._context = Context(self._function.name, self._function.directory, self._request)
        if self._function.wants_context:
            arguments["context"] = self._context
        if self._hooks:
            self._hooks.before(self._context, arguments)

    def _decode(self, conversion: Conversion, data: Message | None) -> Any:
        datum = to_datum(data, self._blobs)
        if datum is None:
            return None
        metadata = self._metadata() if conversion.is_trigger else None
        try:
            return conversion.converter.decode(datum, trigger_metadata=metadata)
        except NotImplementedError:
            raise TypeError(
                f"unable to decode incoming TypedData: unsupported combination of TypedData field {datum.type!r} "
                f"and expected binding type {conversion.binding_type}"
            ) from None

    def _metadata(self) -> dict[str, Any]:
        return {name: to_datum(data, self._blobs) for name, data in self._request["triggerMetadata"].items()}

    def _success(self, arguments: dict[str, Any], returned: Any) -> Response:
        end_child()
        if self._hooks and self._context:
            self._hooks.after(self._context, arguments, returned)
        blobs = Blobs()
        outputs = [
            {"name": name, "data": _encode(conversion, value, blobs)}
            for name, conversion in self._function.outputs.items()
            if (value := arguments[name].get()) is not None
        ]
        response = self._response({"status": "success"})
        response.update(outputData=outputs, returnValue=self._returned(returned, blobs))
        return response, blobs

    def _returned(self, value: Any, blobs: Blobs) -> Message | None:
        if self.http_request is not None:
            self.http_response = value
            return None
        if self._function.returned is not None:
            return _encode(self._function.returned, value, blobs)
        if value is not None:
            raise RuntimeError(f"function {self._function.name!r} without a $return binding returned a non-None value")
        return None

    def _failure(self, error: BaseException) -> Response:
        failure = {"message": title(error), "stackTrace": stack(error)}
        return self._response({"status": "failure", "exception": failure}), Blobs()

    def unsendable(self, error: BaseException) -> Response:
        """The failure that is sent in place of a response that cannot be."""
        message = f"The answer of the function {self._function.name} cannot be sent. {title(error)}"
        return self._response({"status": "failure", "exception": {"message": message, "stackTrace": ""}}), Blobs()

    def _response(self, result: Message) -> Message:
        return {"t": "invocationResponse", "invocationId": self.id, "result": result}


def _encode(conversion: Conversion, value: Any, blobs: Blobs) -> Message | None:
    try:
        return to_data(conversion.converter.encode(value, expected_type=conversion.expected), blobs)
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{conversion.binding_type}" '
            f'for Python type "{type(value).__name__}"'
        ) from None
