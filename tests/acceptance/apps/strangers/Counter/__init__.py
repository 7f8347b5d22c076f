import itertools
import threading

import azure.functions as func

COUNTER = itertools.count(1)
LOCK = threading.Lock()


def main(req: func.HttpRequest) -> func.HttpResponse:
    with LOCK:
        return func.HttpResponse(str(next(COUNTER)))
