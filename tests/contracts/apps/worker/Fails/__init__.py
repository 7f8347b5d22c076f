import sys


class Wrong(Exception):
    pass


def main(req):
    if req.params["how"] == "exit":
        sys.exit(3)
    if req.params["how"] == "chained":
        try:
            inner()
        except KeyError as error:
            raise Wrong("grüße") from error
    inner()


def inner():
    raise KeyError("missing")
