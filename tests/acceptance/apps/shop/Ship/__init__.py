"""Hands the boxes over."""


def main(order: dict):
    return "DHL-" + str(order["order"])
