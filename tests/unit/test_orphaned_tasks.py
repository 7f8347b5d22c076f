"""The check in tests/conftest.py can fail: it finds a task whose failure nobody heard of."""

import asyncio

from tests.conftest import ORPHANS


def test_a_failure_that_nobody_hears_of_is_found() -> None:
    async def failing() -> None:
        raise ValueError("unheard")

    async def forgetting() -> None:
        asyncio.create_task(failing())  # noqa: RUF006
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    asyncio.run(forgetting())
    (found,) = ORPHANS.take()
    assert "unheard" in found
