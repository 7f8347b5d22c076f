import toplevel
from __app__.shared import twice
from __app__.shared.deep import deep

from . import sibling
from ..shared import twice as same


def main(req) -> str:
    assert same is twice
    return " ".join((sibling.NAME, twice("x"), deep(), toplevel.NAME))
