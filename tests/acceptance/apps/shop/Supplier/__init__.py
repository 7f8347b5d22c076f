"""Does not answer the first two times it is asked."""

from collections import Counter

ASKED = Counter()


def main(instance: str) -> str:
    ASKED[instance] += 1
    if ASKED[instance] < 3:
        raise TimeoutError("the supplier does not answer")
    return "ordered"
