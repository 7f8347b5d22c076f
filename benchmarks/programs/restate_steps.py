"""Chain and fan of steps on Restate, as a service for its server to call."""

import restate

steps = restate.Service("Steps")


async def step(number: int) -> int:
    return number + 1


@steps.handler()
async def chain(context: restate.Context, count: int) -> int:
    number = 0
    for _ in range(count):
        number = await context.run_typed("step", step, restate.RunOptions(), number)
    return number


@steps.handler()
async def fan(context: restate.Context, count: int) -> int:
    futures = [context.run_typed("step", step, restate.RunOptions(), number) for number in range(count)]
    return len(await restate.gather(*futures))


app = restate.app([steps])
