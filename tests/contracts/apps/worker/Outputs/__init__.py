from typing import List

import azure.functions as func


def main(
    req: func.HttpRequest,
    res: func.Out[func.HttpResponse],
    messages: func.Out[List[str]],
    file: func.Out[bytes],
    entity: func.Out[str],
    unset: func.Out[str],
) -> str:
    res.set(func.HttpResponse("through Out"))
    messages.set(["one", "two"])
    file.set(b"\x00\xff")
    entity.set('{"a": 1}')
    return "to the queue"
