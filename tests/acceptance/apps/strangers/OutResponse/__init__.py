import azure.functions as func


def main(req: func.HttpRequest, res: func.Out[func.HttpResponse]) -> None:
    res.set(func.HttpResponse("made", status_code=201, headers={"X-Made-By": "Out"}))
