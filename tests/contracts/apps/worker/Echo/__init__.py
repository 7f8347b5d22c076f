import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    headers = {"Content-Type": req.headers["content-type"], "X-Method": req.method, "X-Id": req.route_params["id"]}
    return func.HttpResponse(req.get_body(), headers=headers)
