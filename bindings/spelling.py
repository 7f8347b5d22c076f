"""What a word that nobody knows was probably meant to be."""

from collections.abc import Iterable

NEAR = 0.7
"""How alike two words must be, from 0 to 1 (difflib)."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is most like it, whatever the case; None if none is near."""
    from difflib import get_close_matches  # only mistakes need it

    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1, cutoff=NEAR)
    return by_lower[found[0]] if found else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`Did you mean 'queue'?`, or nothing."""
    found = nearest(word, known)
    return f"Did you mean '{found}'?" if found else ""
