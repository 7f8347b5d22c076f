def main(req):
    return req.params.get("value")
