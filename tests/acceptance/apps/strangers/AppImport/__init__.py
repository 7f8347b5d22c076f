from __app__.shared.text.counting import count_words
from shared import settings

from . import helper


def main(req):
    return f"{helper.NAME} {settings.MOST} {count_words('a a b')['a']}"
