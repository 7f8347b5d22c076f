"""The threads that run sync functions: started on demand, as many as there are jobs, up to a limit."""

from __future__ import annotations

import collections
import threading
import traceback
from typing import Callable

Job = Callable[[], None]


class ThreadPool:
    """Runs jobs, each on one of its threads.

    One thread is woken at a time, the one that ran last; it wakes the next if there is more to do. So one job costs one
    wake-up, and of many short ones most are run by threads that are awake.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._started = 0
        self._jobs: collections.deque[Job] = collections.deque()
        self._idle: list[threading.Lock] = []
        self._is_waking = False
        self._lock = threading.Lock()

    @property
    def are_busy(self) -> bool:
        with self._lock:
            return bool(self._jobs) or len(self._idle) < self._started

    def submit(self, job: Job) -> None:
        with self._lock:
            self._jobs.append(job)
            self._wake_one()

    def _wake_one(self) -> None:
        if self._is_waking or not self._jobs:
            return
        if self._idle:
            self._is_waking = True
            self._idle.pop().release()
        elif self._started < self._limit:
            self._is_waking = True
            self._started += 1
            threading.Thread(target=self._work, name=f"function-{self._started}", daemon=True).start()

    def _work(self) -> None:
        wake = threading.Lock()
        wake.acquire()
        while True:
            self._is_waking = False
            while job := self._next(wake):
                run_job(job)
            wake.acquire()

    def _next(self, wake: threading.Lock) -> Job | None:
        """None when there is none: releasing `wake` then wakes this thread."""
        with self._lock:
            if not self._jobs:
                self._idle.append(wake)
                return None
            job = self._jobs.popleft()
            self._wake_one()
            return job


def run_job(job: Job) -> None:
    """A job that raises, or an exception that user code sets in this thread from another, does not end the thread."""
    try:
        job()
    except BaseException:
        traceback.print_exc()
