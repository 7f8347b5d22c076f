"""One invocation: what the host sent to arguments, what the function answered to typed data."""

from __future__ import annotations

from typing import Any

from .context import Context, Out
from .data import to_data, to_datum
from .errors import stack, title
from .forks import end_child
from .hooks import Hooks
from .signature import Function, Side
from .wire import Blobs, Message

Answer = tuple[Message, Blobs]


class Invocation:
    """Raises nothing: a failure of user code, `sys.exit()` among them, is an answer."""

    def __init__(self, function: Function, request: Message, blobs: bytes, hooks: Hooks) -> None:
        self.id: str = request["invocationId"]
        self._function = function
        self._request = request
        self._blobs = blobs
        self._hooks = hooks if hooks.are_used else None
        self._context: Context | None = None

    def run(self) -> Answer:
        try:
            arguments = self._arguments()
            return self._success(arguments, self._function.call(**arguments))
        except BaseException as error:
            end_child(error)
            return self._failure(error)

    async def run_async(self) -> Answer:
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

    def _decode(self, side: Side, data: Message | None) -> Any:
        datum = to_datum(data, self._blobs)
        if datum is None:
            return None
        metadata = self._metadata() if side.is_trigger else None
        try:
            return side.converter.decode(datum, trigger_metadata=metadata)
        except NotImplementedError:
            raise TypeError(
                f"unable to decode incoming TypedData: unsupported combination of TypedData field {datum.type!r} "
                f"and expected binding type {side.binding_type}"
            ) from None

    def _metadata(self) -> dict[str, Any]:
        return {name: to_datum(data, self._blobs) for name, data in self._request["triggerMetadata"].items()}

    def _success(self, arguments: dict[str, Any], returned: Any) -> Answer:
        end_child()
        if self._hooks and self._context:
            self._hooks.after(self._context, arguments, returned)
        blobs = Blobs()
        outputs = [
            {"name": name, "data": _encode(side, value, blobs)}
            for name, side in self._function.outputs.items()
            if (value := arguments[name].get()) is not None
        ]
        answer = self._answer({"status": "success"})
        answer.update(outputData=outputs, returnValue=self._returned(returned, blobs))
        return answer, blobs

    def _returned(self, value: Any, blobs: Blobs) -> Message | None:
        if self._function.answer is not None:
            return _encode(self._function.answer, value, blobs)
        if value is not None:
            raise RuntimeError(f"function {self._function.name!r} without a $return binding returned a non-None value")
        return None

    def _failure(self, error: BaseException) -> Answer:
        failure = {"message": title(error), "stackTrace": stack(error)}
        return self._answer({"status": "failure", "exception": failure}), Blobs()

    def unsent(self, error: BaseException) -> Answer:
        """The failure in place of an answer that cannot be sent."""
        message = f"The answer of the function {self._function.name} cannot be sent. {title(error)}"
        return self._answer({"status": "failure", "exception": {"message": message, "stackTrace": ""}}), Blobs()

    def _answer(self, result: Message) -> Message:
        return {"t": "invocationResponse", "invocationId": self.id, "result": result}


def _encode(side: Side, value: Any, blobs: Blobs) -> Message | None:
    try:
        return to_data(side.converter.encode(value, expected_type=side.expected), blobs)
    except NotImplementedError:
        raise TypeError(
            f'unable to encode outgoing TypedData: unsupported type "{side.binding_type}" '
            f'for Python type "{type(value).__name__}"'
        ) from None
