"""Chain and fan of steps on DBOS, on the SQLite file named by the environment."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from dbos import DBOS
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

DBOS(
    config={
        "name": "bench",
        "system_database_url": f"sqlite:///{os.environ['BENCH_DATABASE']}",
        "run_admin_server": False,
        "log_level": "WARNING",
    }
)


@DBOS.step()
async def step(number: int) -> int:
    return number + 1


@DBOS.workflow()
async def chain(count: int) -> int:
    number = 0
    for _ in range(count):
        number = await step(number)
    return number


@DBOS.workflow()
async def fan(count: int) -> int:
    return len(await asyncio.gather(*(step(number) for number in range(count))))


WORKFLOWS = {"chain": chain, "fan": fan}


async def run(request: Request) -> JSONResponse:
    workflow = WORKFLOWS[request.path_params["kind"]]
    handle = await DBOS.start_workflow_async(workflow, await request.json())
    return JSONResponse(await handle.get_result())


async def ready(request: Request) -> PlainTextResponse:
    return PlainTextResponse("ready")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    DBOS.launch()
    yield
    DBOS.destroy()


app = Starlette(routes=[Route("/ready", ready), Route("/{kind}", run, methods=["POST"])], lifespan=lifespan)
