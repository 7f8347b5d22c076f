import asyncio
import logging

import azure.functions as func

logger = logging.getLogger(__name__)


async def fetch(number: int) -> int:
    await asyncio.sleep(0)
    logger.warning("Fetched %d", number)
    return number


async def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(str(sum(await asyncio.gather(*(fetch(number) for number in range(5))))))
