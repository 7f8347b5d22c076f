async def run(req) -> str:
    return __name__
