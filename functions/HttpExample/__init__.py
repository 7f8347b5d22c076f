"""Greets whoever is named in the query or in a JSON body."""

import logging

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    logging.info("Python HTTP trigger function processed a request.")
    name = req.params.get("name") or named_in_body(req)
    if not name:
        return func.HttpResponse("Pass a name in the query string or in the request body.", status_code=400)
    return func.HttpResponse(f"Hello, {name}.")


def named_in_body(req: func.HttpRequest) -> str:
    try:
        return req.get_json().get("name", "")
    except ValueError:
        return ""
