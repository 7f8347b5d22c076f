import azure.functions as func


def main(req: func.HttpRequest) -> str:
    return f"{req.form['name']} {req.files['upload'].filename} {len(req.files['upload'].read())}"
