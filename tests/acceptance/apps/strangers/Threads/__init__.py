import logging
import threading
from concurrent.futures import ThreadPoolExecutor

import azure.functions as func


def square(number: int, context: func.Context) -> int:
    context.thread_local_storage.invocation_id = context.invocation_id
    logging.info("Squaring %d in %s", number, threading.current_thread().name)
    return number * number


def main(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    with ThreadPoolExecutor(max_workers=4, thread_name_prefix="squares") as executor:
        total = sum(executor.map(lambda number: square(number, context), range(10)))
    return func.HttpResponse(str(total))
