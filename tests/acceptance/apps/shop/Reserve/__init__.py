"""Takes the items of an order off the shelf."""


def main(order: dict):
    return [item["sku"] for item in order["items"]]
