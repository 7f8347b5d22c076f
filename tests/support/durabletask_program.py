"""A program of the package durabletask: `python -m tests.support.durabletask_program ADDRESS [hangs]`.

Its orchestrator `walk` doubles a number in the activity `double`, which never ends in a program that hangs.
"""

import sys
import threading
from typing import Any

from durabletask import task, worker


def walk(context: task.OrchestrationContext, given: int) -> Any:
    return (yield context.call_activity(double, input=given))


def double(context: task.ActivityContext, given: int) -> int:
    if "hangs" in sys.argv:
        print("the activity has begun", flush=True)
        threading.Event().wait()
    return given * 2


if __name__ == "__main__":
    with worker.TaskHubGrpcWorker(host_address=sys.argv[1]) as program:
        program.add_orchestrator(walk)
        program.add_activity(double)
        program.start()
        threading.Event().wait()
