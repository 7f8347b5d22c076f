"""Many requests at once, and requests for what may be gone."""

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from fnhost.bindings.storage import PopReceiptMismatch, ResourceNotFound

T = TypeVar("T")


async def gather_all(jobs: Iterable[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """The answers, in order; the first error is raised when all have ended."""
    answers = await asyncio.gather(*jobs, return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in answers if not isinstance(answer, BaseException)]


async def unless_gone(job: Coroutine[Any, Any, T]) -> T | None:
    """Its answer, None if what it is about is gone, or in the hands of another."""
    try:
        return await job
    except (ResourceNotFound, PopReceiptMismatch):
        return None
