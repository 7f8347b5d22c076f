import asyncio

import azure.functions as func

arrived = 0


async def main(req: func.HttpRequest) -> str:
    global arrived
    arrived += 1
    while arrived < 8:
        await asyncio.sleep(0)
    return "all here"
