from collections import Counter

from .. import settings


def count_words(text: str) -> dict:
    return dict(Counter(text.lower().split()).most_common(settings.MOST))
