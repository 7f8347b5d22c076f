import azure.functions as func

VALUES = {
    "text": "grüße",
    "response": func.HttpResponse("made", status_code=201, headers={"X-One": "1"}),
    "json": func.HttpResponse("{}", mimetype="application/json"),
    "bytes": b"raw",
    "dict": {"a": 1},
    "number": 7,
    "none": None,
}


def main(req):
    return VALUES[req.params["kind"]]
