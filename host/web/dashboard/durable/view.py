"""What the endpoints of one task hub share."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from starlette.requests import Request
from starlette.responses import Response

from fnhost.host.durable.client import (
    Finished,
    InvalidId,
    InvalidKey,
    NotFailed,
    NotFinished,
    NotFound,
    UnknownEntity,
    UnknownFunction,
    WrongState,
)
from fnhost.host.durable.insight.hub import HubInsight
from fnhost.host.durable.insight.index import SORTS
from fnhost.host.durable.insight.replays import Replayed
from fnhost.host.durable.insight.rows import Timeline
from fnhost.host.durable.model.errors import (
    AlreadyExists,
    HubError,
    HubMissing,
    HubUnreachable,
    InvalidToken,
    RecordRefused,
)
from fnhost.host.durable.model.states import Instance
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.dashboard.answers import ApiError
from fnhost.host.web.dashboard.durable.notes import WaitNotes
from fnhost.host.web.dashboard.durable.timelines import Timelines
from fnhost.host.web.dashboard.live import LiveEvents

T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
MANY = 500
REPLAY = 3.0
"""Seconds for the replay that a page waits for."""
AWAY = "The storage of the task hub does not answer."
STATUS_OF: dict[type[Exception], int] = {
    NotFound: 404,
    Finished: 409,
    WrongState: 409,
    NotFailed: 409,
    NotFinished: 409,
    AlreadyExists: 409,
    UnknownFunction: 400,
    UnknownEntity: 400,
    InvalidId: 400,
    InvalidKey: 400,
    InvalidToken: 400,
    RecordRefused: 400,
}


@dataclass(frozen=True, slots=True)
class HubView:
    """One task hub and the parts that answer for it."""

    insight: HubInsight
    live: LiveEvents
    tasks: BackgroundTasks
    notes: WaitNotes
    timelines: Timelines

    @property
    def root(self) -> Path:
        return self.insight.root

    async def expect(self, request: Request) -> Instance:
        """The instance that the path names. Raises NotFound, HubError."""
        self.insight.is_used = True
        return await self.insight.client.expect(request.path_params["id"])

    async def replayed(self, instance: Instance) -> Replayed:
        """Its history, replayed with the present code. One that cannot be read keeps nobody from the rest."""
        try:
            state = await self.insight.history(instance.id, instance.execution_id)
        except HubError as error:
            return Replayed((), note=f"The history cannot be read: {error}")
        return await self.insight.replays.of(state.events, REPLAY)

    async def timeline(self, replayed: Replayed) -> Timeline:
        return await apart(len(replayed.events), lambda: self.timelines.of(replayed))


async def apart(size: int, work: Callable[[], T]) -> T:
    """In a thread if it is much work: requests of users must not wait for it."""
    return await asyncio.to_thread(work) if size > MANY else work()


def telling(endpoint: Endpoint) -> Endpoint:
    """Errors of the client and the hub as answers."""

    async def told(request: Request) -> Response:
        try:
            return await endpoint(request)
        except (HubUnreachable, HubMissing) as error:
            raise ApiError(503, AWAY, str(error)) from error
        except tuple(STATUS_OF) as error:
            status = next(number for kind, number in STATUS_OF.items() if isinstance(error, kind))
            raise ApiError(status, str(error)) from error
        except HubError as error:
            raise ApiError(500, str(error)) from error

    return told


def sort_of(text: str) -> str:
    """Raises ApiError."""
    sort = text or "-created"
    if sort.removeprefix("-") not in SORTS:
        raise ApiError(
            400, f"'{sort}' is no order of instances. Take one of {', '.join(SORTS)}, or with '-' before it."
        )
    return sort
