"""A stream of what the status of an instance becomes, for `fnhost durable watch`.

The platform has none: only the private endpoint of a host offers it.
"""

import asyncio
from collections.abc import AsyncIterator

from fnhost.host.durable.client import DurableClient
from fnhost.host.errors import FnhostError
from fnhost.host.web.durable import payloads

TURN = 0.2
"""Seconds between two looks whether the host ends: it waits for its streams."""
LOOK = 1.0
"""Seconds between two looks at the storage, for what other hosts record."""


async def status_changes(client: DurableClient, instance: str, ending: asyncio.Event) -> AsyncIterator[str]:
    """A line of JSON for each change, and empty lines between. Until it has ended or is gone, or the host ends."""
    try:
        with client.engine.watching(instance) as watch:
            told, found, due = "", await client.expect(instance), client.clock.monotonic() + LOOK
            while not ending.is_set():
                text = payloads.status(found)
                yield "\n" if text == told else f"{text}\n"
                if found.status.is_terminal:
                    return
                told = text
                if changed := await watch.next(TURN):
                    found = changed
                elif client.clock.monotonic() >= due:
                    found, due = await client.expect(instance), client.clock.monotonic() + LOOK
    except FnhostError:
        return  # whoever asks again is told
