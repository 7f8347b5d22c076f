"""The threads that run sync functions: made on demand, never fewer than there are jobs, up to a limit."""

from __future__ import annotations

import queue
import threading
from typing import Callable

Job = Callable[[], None]


class Threads:
    """Jobs never raise. One thread submits."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self._started = 0
        self.undone: set[Job] = set()

    def submit(self, job: Job) -> None:
        self.undone.add(job)
        if self._started < min(len(self.undone), self._limit):
            self._started += 1
            threading.Thread(target=self._work, name=f"function-{self._started}", daemon=True).start()
        self._jobs.put(job)

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            job()
            self.undone.discard(job)
