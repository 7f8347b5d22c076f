import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse("set")
    for cookie in req.params["cookies"].split("|"):
        response.headers.add("Set-Cookie", cookie)
    return response
