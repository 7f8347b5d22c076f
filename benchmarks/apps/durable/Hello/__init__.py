"""Says how long the body of a request is, as JSON."""

import json

import azure.functions as func

VERSION = 0


def main(req: func.HttpRequest) -> func.HttpResponse:
    answer = json.dumps({"length": len(req.get_body()), "version": VERSION})
    return func.HttpResponse(answer, mimetype="application/json")
