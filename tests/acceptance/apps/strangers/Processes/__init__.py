import multiprocessing

import azure.functions as func


def double(number: int) -> int:
    return number * 2


def main(req: func.HttpRequest) -> func.HttpResponse:
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return func.HttpResponse(str(sum(pool.map(double, range(10)))))
