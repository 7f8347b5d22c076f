import asyncio


async def main(req):
    await asyncio.sleep(0)
    raise ValueError("later")
