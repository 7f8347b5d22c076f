"""The admin endpoint that shows the last log records; one of this host's own."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Self

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from fnhost.host.logging.console import TimeStamp, record_members
from fnhost.host.logging.events import Level
from fnhost.host.logging.levels import level_named
from fnhost.host.logging.log import Log, Record
from fnhost.host.web.admin.responses import SafeJsonResponse

DEFAULT_COUNT, MOST = 100, 1_000
"""How many records are shown unless the query says so, and how many at most."""


class BadQuery(ValueError):
    """A parameter of the query is not what it should be."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which records are wanted: texts are empty and numbers 0 where all are. `function` is in lower case."""

    function: str = ""
    invocation: str = ""
    instance: str = ""
    level: Level = Level.TRACE
    after: int = 0
    top: int = DEFAULT_COUNT

    @classmethod
    def parse(cls, query: QueryParams) -> Self:
        """Raises BadQuery."""
        return cls(
            function=query.get("function", "").lower(),
            invocation=query.get("invocation", ""),
            instance=query.get("instance", ""),
            level=_level(query.get("level") or Level.TRACE.name),
            after=_number(query, "after", 0),
            top=max(1, min(_number(query, "top", DEFAULT_COUNT), MOST)),
        )

    def admits(self, record: Record) -> bool:
        return (
            record.level >= self.level
            and self.function in ("", record.function.lower())
            and self.invocation in ("", record.invocation)
            and self.instance in ("", record.instance)
        )


def logs_of(log: Log) -> Callable[[Request], Awaitable[Response]]:
    async def logs(request: Request) -> Response:
        try:
            query = LogQuery.parse(request.query_params)
        except BadQuery as error:
            return PlainTextResponse(str(error), 400)
        records, dropped = log.recent.since(query.after)
        wanted = [record for record in records if query.admits(record)][-query.top :]
        return SafeJsonResponse({"records": list(shown(wanted)), "dropped": dropped})

    return logs


def shown(records: list[Record]) -> Iterator[Mapping[str, object]]:
    stamp = TimeStamp()
    return (record_members(record, stamp(record.at)) for record in records)


def _level(name: str) -> Level:
    level = level_named(name)
    if level is None:
        known = ", ".join(each.name.title() for each in Level)
        raise BadQuery(f"level={name} is not a log level. Use one of {known}.")
    return level


def _number(query: QueryParams, name: str, default: int) -> int:
    text = query.get(name) or str(default)
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise BadQuery(f"{name}={text} is not a whole number.")
    return int(text)
