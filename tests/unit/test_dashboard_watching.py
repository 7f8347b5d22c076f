"""Pages are told what changes of the app, and only that."""

import asyncio
from typing import Any

import pytest

from fnhost.host.logging.events import AppStarted
from fnhost.host.logging.log import Log
from fnhost.host.web.dashboard.live import LiveEvents
from fnhost.host.web.dashboard.watching import LOOK, SETTLE, AppWatcher
from tests.support.clocks import ManualClock

pytestmark = pytest.mark.anyio


class Site:
    """An app whose description a test changes; `looks` counts how often it was asked for."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.log, self.live = Log(clock=self.clock), LiveEvents(clock=self.clock)
        self.told: dict[str, Any] = {"state": "starting", "workers": [{"pid": 1, "running": 0}]}
        self.looks = 0
        self.published: list[Any] = []

    async def describe(self) -> dict[str, Any]:
        self.looks += 1
        return dict(self.told)


async def test_a_page_is_told_all_at_first_and_then_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site()
    monkeypatch.setattr(site.live, "publish", lambda topic, event, data: site.published.append((topic, event, data)))
    watching = asyncio.create_task(AppWatcher(site.describe, site.live, site.log, site.clock).run())
    await site.clock.advance(3 * LOOK)
    assert site.looks == 0, "nobody reads"
    with site.live.reading(["app"]):
        await site.clock.advance(LOOK)
        assert site.published == [("app", "app", site.told)]
        site.told["workers"] = [{"pid": 1, "running": 5}]
        await site.clock.advance(2 * LOOK)
        assert len(site.published) == 1, "how busy a worker is changes always"
        site.told["state"] = "running"
        site.log.write(AppStarted())
        await site.clock.advance(SETTLE)
        assert site.published[1:] == [("app", "app", {"state": "running"})]
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    site.log.write(AppStarted())
