"""Conversations between a host and an official worker, recorded from real ones: read, compared and held again. Pure.

What differs from run to run stands in a recording as a placeholder of its kind, such as `{id-3}`: wherever the
recording has it again, the same value must come again. A text that is JSON is compared as a value, whatever its layout.
"""

import base64
import contextlib
import json
import re
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import DecodeError, Message

from fnhost.host.rpc import durabletask_pb2 as pb
from fnhost.host.rpc import functionrpc_pb2 as rpc

RECORDINGS = Path(__file__).parents[1] / "vectors" / "conversations"
HOST, WORKER = "host", "worker"
TEXT = "utf-8:"
"""Before bytes."""
DURABLE: Mapping[str, type[Any]] = {
    "OrchestratorRequest": pb.OrchestratorRequest,
    "OrchestratorResponse": pb.OrchestratorResponse,
}
"""What a text may be the base64 of."""
KINDS: Mapping[str, str] = {
    "id": r"[0-9a-fA-F]{8}(?:-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(?:Z|[+-]\d\d:\d\d)?",
    "second": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)?",
    "span": r"(?<=-)[0-9a-f]{16}(?=-0)",
    "port": r"(?<=localhost:)\d+|(?<=127\.0\.0\.1:)\d+",
    "key": r"(?<=code=)[\w%.~-]+|(?<=code\\u003d)[\w%.~-]+",
    "secret": r"(?<=/durabletask/)[\w-]{32}(?=/)",
}
"""What differs from run to run: how it looks, and what stands before and behind it."""
PLACEHOLDER = re.compile(r"\{(?:(?:id|time|second|span|port|key|secret)-\d+|app|worker)\}")
_VARYING = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in KINDS.items()))
_MADE: Mapping[str, Callable[[], str]] = {
    "id": lambda: str(uuid.uuid4()),
    "time": lambda: "2025-03-04T05:06:07.1234567Z",
    "second": lambda: "2025-03-04T05:06:07Z",
    "span": lambda: uuid.uuid4().hex[:16],
    "port": lambda: "7071",
    "key": lambda: uuid.uuid4().hex,
    "secret": lambda: uuid.uuid4().hex,
}
"""Values of what the worker brings into the conversation, and the host has not told."""


@dataclass(frozen=True, slots=True)
class Recording:
    """`description` goes into the worker.config.json; a step is a request, or an instance whose end is waited for."""

    worker: str
    language: str
    description: Mapping[str, Any]
    app: Mapping[str, str]
    steps: Sequence[Mapping[str, Any]]
    answers: Sequence[Any] = ()
    frames: Sequence[tuple[str, Any]] = ()
    """Who said it, and the message as protobuf's JSON."""


def read(name: str) -> Recording:
    document = json.loads((RECORDINGS / f"{name}.json").read_text("utf-8"))
    app = {path: "\n".join(lines) + "\n" for path, lines in document["app"].items()}
    return Recording(**{**document, "app": app})


def write(name: str, recording: Recording) -> None:
    """One line for each frame."""
    app = {path: text.splitlines() for path, text in recording.app.items()}
    head = {"worker": recording.worker, "language": recording.language, "description": recording.description}
    members = {**head, "app": app, "steps": recording.steps, "answers": recording.answers}
    lines = [f" {json.dumps(key)}: {json.dumps(value, indent=1)}" for key, value in members.items()]
    frames = ",\n".join(f"  {json.dumps(frame)}" for frame in recording.frames)
    text = ",\n".join([*lines, f' "frames": [\n{frames}\n ]'])
    (RECORDINGS / f"{name}.json").write_text(f"{{\n{text}\n}}\n", "utf-8")


def as_frame(message: rpc.StreamingMessage) -> Any:
    """Protobuf's JSON; bytes that are text are a text, and messages of Durable Functions are opened."""
    return _data(MessageToDict(message, preserving_proto_field_name=True), _opened)


def as_message(frame: Any) -> rpc.StreamingMessage:
    return ParseDict(_data(frame, _closed), rpc.StreamingMessage())


def _data(value: Any, change: Callable[[str, Any], Any]) -> Any:
    match value:
        case {"binary": data} | {"string": data} if len(value) == 1:
            name = next(iter(value))
            return {name: change(name, data)}
        case dict():
            return {name: _data(member, change) for name, member in value.items()}
        case list():
            return [_data(member, change) for member in value]
    return value


def _opened(name: str, data: str) -> Any:
    if name == "binary":
        return TEXT + base64.b64decode(data).decode()
    for kind, message in DURABLE.items():
        with contextlib.suppress(ValueError, DecodeError):
            found = message.FromString(base64.b64decode(data, validate=True))
            if found.instance_id and found.SerializeToString() and not _has_unknown(found):
                return {kind: MessageToDict(found, preserving_proto_field_name=True)}
    return data


def _has_unknown(message: Message) -> bool:
    """Whether it was read as what it is not."""
    known = type(message)()
    known.CopyFrom(message)
    known.DiscardUnknownFields()  # type: ignore[attr-defined]
    return known.ByteSize() != message.ByteSize()


def _closed(name: str, data: Any) -> str:
    if name == "binary":
        return base64.b64encode(data.removeprefix(TEXT).encode()).decode()
    if isinstance(data, str):
        return data
    (kind, said), *_ = data.items()
    return base64.b64encode(ParseDict(said, DURABLE[kind]()).SerializeToString()).decode()


@dataclass(slots=True)
class Names:
    """Placeholders for what varies, given in the order of appearance."""

    known: dict[str, str] = field(default_factory=dict)

    def of(self, found: "re.Match[str]") -> str:
        kind, value = str(found.lastgroup), found[0]
        if kind == "second":  # two that are the same may be so by chance
            value = f"{value} {len(self.known)}"
        return self.known.setdefault(value, f"{{{kind}-{len(self.known) + 1}}}")


def with_placeholders(value: Any, names: Names) -> Any:
    return _mapped(value, lambda text: _VARYING.sub(names.of, _without_known(text, names)))


def _without_known(text: str, names: Names) -> str:
    """Folders are known before anything is read; the longest first, for one may lie in the other."""
    for value in sorted((each for each in names.known if each.startswith("/")), key=len, reverse=True):
        text = text.replace(value, names.known[value])
    return text


def with_values(value: Any, values: dict[str, str]) -> Any:
    """What has no value yet gets one."""

    def told(found: "re.Match[str]") -> str:
        if found[0] not in values:
            values[found[0]] = _MADE[kind_of(found[0])]()
        return values[found[0]]

    return _mapped(value, lambda text: PLACEHOLDER.sub(told, text))


def kind_of(placeholder: str) -> str:
    return placeholder.strip("{}").partition("-")[0]


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    match value:
        case str():
            return change(value)
        case dict():
            return {change(name): _mapped(member, change) for name, member in value.items()}
        case list():
            return [_mapped(member, change) for member in value]
    return value


def differences(recorded: Any, said: Any, values: dict[str, str], at: str = "") -> Iterator[str]:
    """Where the two are not the same; `values` takes what stands for placeholders."""
    recorded, said = _parsed(recorded), _parsed(said)
    match recorded, said:
        case dict(), dict():
            for name in sorted({*recorded, *said}):
                if name in recorded and name in said:
                    yield from differences(recorded[name], said[name], values, f"{at}.{name}")
                else:
                    yield f"{at}.{name} is {'missing' if name in recorded else 'new'}"
        case list(), list() if len(recorded) == len(said):
            for index, (one, other) in enumerate(zip(recorded, said, strict=True)):
                yield from differences(one, other, values, f"{at}[{index}]")
        case str(), str() if _fits(recorded, said, values):
            return
        case _ if recorded != said:
            yield f"{at}: {said!r} instead of {recorded!r}"


def _parsed(value: Any) -> Any:
    """JSON of an object or an array, however deep it is wrapped."""
    if not isinstance(value, str) or not value.removeprefix(TEXT).startswith(("{", "[", '"')):
        return value
    try:
        found = json.loads(value.removeprefix(TEXT))
    except ValueError:
        return value
    return _parsed(found) if isinstance(found, (dict, list, str)) else value


def _fits(recorded: str, said: str, values: dict[str, str]) -> bool:
    names = PLACEHOLDER.findall(recorded)
    texts = PLACEHOLDER.split(recorded)
    pattern, fresh = re.escape(texts[0]), list[str]()
    for name, text in zip(names, texts[1:], strict=True):
        if name in values:
            pattern += re.escape(values[name])
        else:
            pattern += _looks(name)
            fresh.append(name)
        pattern += re.escape(text)
    found = re.fullmatch(pattern, said)
    if found:
        values.update(zip(fresh, found.groups(), strict=True))
    return found is not None


def _looks(name: str) -> str:
    """A time that happens to be a whole second may be written without its fraction."""
    kind = kind_of(name)
    pattern = f"{KINDS['time']}|{KINDS['second']}" if kind == "time" else KINDS.get(kind, ".+?")
    return f"({pattern})"


@dataclass(slots=True)
class Replay:
    """The worker's side: what it says next, as far as it has heard what it heard then."""

    frames: Sequence[tuple[str, Any]]
    values: dict[str, str] = field(default_factory=dict)
    heard: set[int] = field(default_factory=set)
    told: int = 0

    @property
    def is_over(self) -> bool:
        return self.told == len(self.frames)

    def hear(self, said: Any) -> str:
        """Takes the first frame of the host that fits; else the differences to the nearest one."""
        nearest: list[str] | None = None
        for index, frame in self._expected():
            values = dict(self.values)
            found = list(differences(frame, said, values))
            if not found:
                self.values = values
                self.heard.add(index)
                return ""
            nearest = found if nearest is None or len(found) < len(nearest) else nearest
        return "; ".join(nearest or ["nothing more was expected"])

    def _expected(self) -> Iterator[tuple[int, Any]]:
        for index, (who, frame) in enumerate(self.frames):
            if who == HOST and index not in self.heard:
                yield index, frame

    def say(self) -> Iterable[Any]:
        """The worker's frames up to the next one that it waits for."""
        while self.told < len(self.frames):
            who, frame = self.frames[self.told]
            if who == HOST and self.told not in self.heard:
                return
            self.told += 1
            if who == WORKER:
                yield with_values(frame, self.values)
