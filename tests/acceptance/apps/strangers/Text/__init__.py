def main(req) -> str:
    return "plain"
