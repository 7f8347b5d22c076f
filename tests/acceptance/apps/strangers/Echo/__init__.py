import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    kind = req.headers.get("Content-Type", "text/plain")
    return func.HttpResponse(req.get_body(), headers={"X-Method": req.method, "Content-Type": kind})
