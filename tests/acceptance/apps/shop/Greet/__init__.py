"""Greets, and says so in the log."""

import json
import logging

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    name = req.route_params["name"]
    logging.info("greeting %s", name)
    print("printed for", name)
    told = {"hello": name, "body": req.get_body().decode() or None}
    return func.HttpResponse(json.dumps(told), mimetype="application/json")
