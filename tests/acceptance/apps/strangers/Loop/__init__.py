import asyncio

import azure.functions as func


async def work() -> str:
    await asyncio.sleep(0)
    return "worked"


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(asyncio.run(work()))
