"""How much there is."""

import azure.durable_functions as df


def handle(context: df.DurableEntityContext) -> None:
    amount = context.get_state(lambda: 0)
    if context.operation_name == "add":
        amount += int(context.get_input())
        context.set_state(amount)
    elif context.operation_name != "get":
        raise ValueError("Stock has no operation " + context.operation_name)
    context.set_result(amount)


main = df.Entity.create(handle)
