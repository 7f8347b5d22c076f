"""Programs that take work from streams: each stream names how much it takes at once, and may name what.

Rules from platform/durable-protobuf.md 9.
"""

import asyncio
import base64
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TypeAlias

from fnhost.bindings.contract import Event, Json, Outcome
from fnhost.clock import Clock
from fnhost.host.durable.dialects.protobuf.streamed import STREAMED
from fnhost.host.durable.dialects.protobuf.values import DetailedFailure, failure_of, optional
from fnhost.host.durable.runtime.registry import Kind, ServedFunction
from fnhost.host.errors import WorkerStopped
from fnhost.host.rpc import durabletask_pb2 as pb

PING = 10.0
"""Seconds after which a stream that has carried nothing carries a sign of life."""
UNLIMITED = 1000
"""Work of a kind that a stream takes at once if it does not say."""

Names: TypeAlias = Mapping[str, frozenset[str]] | None
"""Lower-case names with the versions that are taken of each, empty for all; None if any name is taken."""


@dataclass(slots=True, eq=False)
class WorkStream:
    """One program that waits for work."""

    limits: Mapping[Kind, int]
    names: Mapping[Kind, Names]
    items: asyncio.Queue[pb.WorkItem | None] = field(default_factory=asyncio.Queue)
    running: Counter[Kind] = field(default_factory=Counter)

    @classmethod
    def of(cls, request: pb.GetWorkItemsRequest) -> "WorkStream":
        filters, is_filtered = request.work_item_filters, request.HasField("work_item_filters")
        return cls(
            {
                "orchestrator": _limit(request.max_concurrent_orchestration_work_items),
                "activity": _limit(request.max_concurrent_activity_work_items),
                "entity": _limit(request.max_concurrent_entity_work_items),
            },
            {
                "orchestrator": _versions(filters.orchestrations) if is_filtered else None,
                "activity": _versions(filters.activities) if is_filtered else None,
                "entity": {each.name.lower(): frozenset() for each in filters.entities} if is_filtered else None,
            },
        )

    def takes(self, kind: Kind, name: str, version: str | None = None) -> bool:
        """Without a `version`: whether there is one of which it does."""
        names = self.names[kind]
        if names is None:
            return True
        versions = names.get(name.lower())
        return versions is not None and (version is None or not versions or version in versions)

    def has_place(self, kind: Kind) -> bool:
        return self.running[kind] < self.limits[kind]


def _limit(asked: int) -> int:
    """One that is not positive is none: a program that asks for work takes some."""
    return asked if asked > 0 else UNLIMITED


def _versions(filters: Iterable[pb.OrchestrationFilter | pb.ActivityFilter]) -> Names:
    return {each.name.lower(): frozenset(each.versions) for each in filters}


@dataclass(slots=True, eq=False)
class _Pending:
    """Work that a stream holds."""

    stream: WorkStream
    answer: asyncio.Future[Outcome]
    response: pb.OrchestratorResponse = field(default_factory=pb.OrchestratorResponse)
    """The parts of an answer that comes in several."""


class StreamedWork:
    """Hands the engine's calls to the streams, and their answers back."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._streams: list[WorkStream] = []
        self._pending: dict[str, _Pending] = {}
        self._changed = asyncio.Event()

    # For the engine

    def find(self, kind: Kind, name: str) -> ServedFunction | None:
        """The function, if a stream takes such work."""
        if not any(stream.takes(kind, name) for stream in self._streams):
            return None
        return ServedFunction(name, partial(self._fire, kind), STREAMED)

    async def _fire(self, kind: Kind, event: Event) -> Outcome:
        """Raises WorkerStopped if the stream ends first, or gives the work back."""
        item, version = _work_item(kind, event)
        stream = await self._free_stream(kind, event.function, version)
        item.completion_token = token = uuid.uuid4().hex
        pending = _Pending(stream, asyncio.get_running_loop().create_future())
        self._pending[token] = pending
        stream.running[kind] += 1
        stream.items.put_nowait(item)
        try:
            return await pending.answer
        finally:
            del self._pending[token]
            stream.running[kind] -= 1
            self._changed.set()

    async def _free_stream(self, kind: Kind, name: str, version: str) -> WorkStream:
        while True:
            for stream in self._streams:
                if stream.takes(kind, name, version) and stream.has_place(kind):
                    self._streams.remove(stream)  # the next work goes to another one
                    self._streams.append(stream)
                    return stream
            self._changed.clear()
            await self._changed.wait()

    # For the streams

    @contextmanager
    def open(self, stream: WorkStream) -> Iterator[None]:
        """Inside the block the stream gets work; what it then still holds is given to others."""
        self._streams.append(stream)
        self._changed.set()
        try:
            yield
        finally:
            self._streams.remove(stream)
            for pending in list(self._pending.values()):
                if pending.stream is stream:
                    _give_back(pending, "The program that ran it has left.")

    async def items(self, stream: WorkStream) -> AsyncIterator[pb.WorkItem]:
        """What a stream carries, until it is closed; a sign of life where nothing else comes."""
        while True:
            try:
                async with self._clock.timeout(PING):
                    item = await stream.items.get()
            except TimeoutError:
                item = pb.WorkItem(health_ping=pb.HealthPing())
            if item is None:
                return
            yield item

    def close(self) -> None:
        """End every stream."""
        for stream in self._streams:
            stream.items.put_nowait(None)

    # Answers. One with a token that is not known, or no longer, is ignored.

    def activity_done(self, response: pb.ActivityResponse) -> None:
        self._answer(response.completion_token, _activity_outcome(response))

    def orchestrator_done(self, response: pb.OrchestratorResponse) -> None:
        if pending := self._pending.get(response.completion_token):
            pending.response.MergeFrom(response)
            if not response.is_partial:
                self._answer(response.completion_token, _returned(pending.response.SerializeToString()))

    def entity_done(self, result: pb.EntityBatchResult) -> None:
        self._answer(result.completion_token, _returned(result.SerializeToString()))

    def abandon(self, token: str) -> None:
        if pending := self._pending.get(token):
            _give_back(pending, "The program that had it has given it back.")

    def _answer(self, token: str, outcome: Outcome) -> None:
        pending = self._pending.get(token)
        if pending and not pending.answer.done():
            pending.answer.set_result(outcome)


def _give_back(pending: _Pending, why: str) -> None:
    if not pending.answer.done():
        pending.answer.set_exception(WorkerStopped(why))


def _returned(message: bytes) -> Outcome:
    return Outcome(returned=base64.b64encode(message).decode())


def _activity_outcome(response: pb.ActivityResponse) -> Outcome:
    if response.HasField("failure_details"):
        details = failure_of(response.failure_details)
        return Outcome(failure=DetailedFailure(str(details), details.stack_trace or "", details=details))
    result = optional(response, "result")
    return Outcome(returned=None if result is None else Json(result))


def _work_item(kind: Kind, event: Event) -> tuple[pb.WorkItem, str]:
    """The work, and the version of what is called; entities have none."""
    payload = base64.b64decode(str(event.value))
    match kind:
        case "orchestrator":
            episode = pb.OrchestratorRequest.FromString(payload)
            return pb.WorkItem(orchestrator_request=episode), _version(episode)
        case "activity":
            activity = pb.ActivityRequest.FromString(payload)
            return pb.WorkItem(activity_request=activity), activity.version.value
    return pb.WorkItem(entity_request_v2=pb.EntityRequest.FromString(payload)), ""


def _version(episode: pb.OrchestratorRequest) -> str:
    events = (*episode.past_events, *episode.new_events)
    started = (each.execution_started for each in events if each.HasField("execution_started"))
    return next((each.version.value for each in started), "")
