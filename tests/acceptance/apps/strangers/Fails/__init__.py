import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    raise KeyError("nobody called " + req.params["name"])
