"""The price of an order."""

import azure.functions as func

PRICES = {"A-1": 4, "B-7": 9}


def price(order: dict) -> int:
    return sum(PRICES[item["sku"]] * item["n"] for item in order["items"])


def main(req: func.HttpRequest) -> str:
    return str(price(req.get_json()))
