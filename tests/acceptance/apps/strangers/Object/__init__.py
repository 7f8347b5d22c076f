def main(req):
    return {"a": 1}
