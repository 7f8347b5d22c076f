import asyncio
import logging


async def main(req):
    logging.info("before %s", req.params["n"])
    await asyncio.sleep(0)
    logging.info("after %s", req.params["n"])
