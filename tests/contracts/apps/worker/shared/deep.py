from . import twice


def deep():
    return twice("deep")
