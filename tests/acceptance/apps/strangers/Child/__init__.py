import subprocess
import sys

import azure.functions as func


def main(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse(subprocess.check_output([sys.executable, "-c", "print('from a child', end='')"]))
