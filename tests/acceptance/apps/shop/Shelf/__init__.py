"""How much lies on a shelf."""


def main(number: int) -> int:
    return number * 3
