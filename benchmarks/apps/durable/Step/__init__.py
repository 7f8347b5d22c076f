"""The least an activity can do."""


def main(number: int) -> int:
    return number + 1
