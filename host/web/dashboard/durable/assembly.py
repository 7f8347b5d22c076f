"""The API of one task hub, put together, and what it tells the pages that are open."""

from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.routing import Router

from fnhost.host.durable.insight.hub import HubInsight, Told, nobody
from fnhost.host.durable.insight.index import IndexRow
from fnhost.host.durable.model.ids import is_entity
from fnhost.host.logging.log import Log
from fnhost.host.tasks import BackgroundTasks
from fnhost.host.web.dashboard.durable import shapes
from fnhost.host.web.dashboard.durable.actions import action_routes
from fnhost.host.web.dashboard.durable.entities import entity_routes, entity_row
from fnhost.host.web.dashboard.durable.instances import instance_routes
from fnhost.host.web.dashboard.durable.notes import WaitNotes
from fnhost.host.web.dashboard.durable.timelines import Timelines
from fnhost.host.web.dashboard.durable.view import HubView
from fnhost.host.web.dashboard.live import LiveEvents

INSTANCES, ENTITIES = "instances", "entities"
REMEMBERED = 5_000


@asynccontextmanager
async def durable_api(insight: HubInsight, live: LiveEvents, log: Log) -> AsyncIterator[Router]:
    """Inside the block the hub tells what happens in it. The routes are relative to the API."""
    async with BackgroundTasks(log) as tasks:
        publisher = Publisher(live)
        notes = WaitNotes(insight, tasks, insight.clock, publisher.found)
        view = HubView(insight, live, tasks, notes, Timelines())
        publisher.view = view
        insight.tell = publisher.told
        try:
            yield Router([*action_routes(view), *instance_routes(view), *entity_routes(view)])
        finally:
            insight.tell = nobody


class Publisher:
    """Tells the pages that read. With none it is a look into an empty dict for each commit."""

    view: HubView

    def __init__(self, live: LiveEvents) -> None:
        self._live = live
        self._last: OrderedDict[str, IndexRow] = OrderedDict()
        """What was told of instances last."""

    def told(self, told: Told) -> None:
        live = self._live
        if is_entity(told.id):
            return self._tell_entity_row(told)
        own = f"instance:{told.id}"
        is_read, is_listed = live.is_read(own), live.is_read(INSTANCES)
        if not is_read and not is_listed:
            return
        if told.row is None:
            self._last.pop(told.id, None)
            gone = {"id": told.id, "deleted": True}
            live.publish(INSTANCES, "instance", gone, key=told.id)
            live.publish(own, "instance", gone, key=told.id)
            return
        row = IndexRow.of(told.row)
        self._last[row.id] = row
        self._last.move_to_end(row.id)
        if len(self._last) > REMEMBERED:
            self._last.popitem(last=False)
        self.row(row)
        self.view.notes.follow(row)
        if is_read:
            self._tell_own(own, told)

    def _tell_own(self, own: str, told: Told) -> None:
        assert told.row
        held = self.view.insight.engine.held(told.id)
        changed = {
            "id": told.id,
            "execution_id": told.row.execution_id,
            "events": len(held.events) if held else None,
            "status": told.row.status.name,
        }
        self._live.publish(own, "timeline", changed, key="timeline")
        if told.status is not None:
            value = shapes.status_value(told.row.updated, told.row.custom_status, None, is_recomputed=False)
            self._live.publish(own, "status", {"id": told.id, **value})

    def found(self, row: IndexRow) -> None:
        """What a row waits for was found out. Meanwhile the instance may have gone on: then that was told already."""
        if row == self._last.get(row.id, row) == (self.view.insight.row_of(row.id) or row):
            self.row(row)

    def row(self, row: IndexRow) -> None:
        """The row as it is now, with what it waits for if that is known."""
        parent = self.view.insight.parent_of(row.id)
        shown = shapes.row_json(row, self.view.notes.known(row), parent)
        self._live.publish(INSTANCES, "instance", shown, key=row.id)
        self._live.publish(f"instance:{row.id}", "instance", shown, key=row.id)

    def _tell_entity_row(self, told: Told) -> None:
        if not self._live.is_read(ENTITIES):
            return
        shown = entity_row(self.view, told.row) if told.row else None
        self._live.publish(ENTITIES, "entity", shown or {"id": told.id, "deleted": True}, key=told.id)
