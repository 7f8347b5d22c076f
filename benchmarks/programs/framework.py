"""The same answer on functions-framework for Python."""

import json

import flask
import functions_framework

VERSION = 0


@functions_framework.http
def hello(request: flask.Request) -> tuple[str, int, dict[str, str]]:
    answer = json.dumps({"length": len(request.get_data()), "version": VERSION})
    return answer, 200, {"Content-Type": "application/json"}
