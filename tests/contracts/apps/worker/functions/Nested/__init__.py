from ..nearby import NAME


def main(req) -> str:
    return f"{NAME} {__name__}"
