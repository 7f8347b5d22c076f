"""Takes the money."""


def main(order: dict):
    card = order["card"]
    return "charged " + card[-4:]
