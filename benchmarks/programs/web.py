"""The bare app: no more than an answer on Starlette."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

VERSION = 0


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"length": len(await request.body()), "version": VERSION})


app = Starlette(routes=[Route("/api/Hello", hello, methods=["GET", "POST"])])
