"""The worker's threads: as many as there are jobs, none twice, none forgotten."""

import importlib.util
import threading
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "host/worker/languages/python/_fnhost_worker/threads.py"
SPEC = importlib.util.spec_from_file_location("worker_threads", SOURCE)
assert SPEC and SPEC.loader
threads = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(threads)
WAIT = 30.0


def test_as_many_jobs_run_at_once_as_the_limit_allows() -> None:
    pool, meeting = threads.ThreadPool(8), threading.Barrier(9)
    for _ in range(2):  # the second time by threads that rested
        for _ in range(8):
            pool.submit(lambda: meeting.wait(WAIT) and None)
        meeting.wait(WAIT)


def test_more_jobs_than_threads_wait_for_their_turn() -> None:
    pool, gate, done = threads.ThreadPool(2), threading.Event(), threading.Semaphore(0)
    ran: list[int] = []

    def job(number: int) -> None:
        gate.wait(WAIT)
        ran.append(number)
        done.release()

    for number in range(20):
        pool.submit(lambda number=number: job(number))
    assert pool.are_busy
    gate.set()
    for _ in range(20):
        assert done.acquire(timeout=WAIT)
    assert sorted(ran) == list(range(20))


def test_no_job_is_forgotten_between_work_and_rest() -> None:
    """One after the other: each comes when the thread before is about to rest."""
    pool, done = threads.ThreadPool(4), threading.Semaphore(0)
    for _ in range(5000):
        pool.submit(done.release)
        assert done.acquire(timeout=WAIT)
