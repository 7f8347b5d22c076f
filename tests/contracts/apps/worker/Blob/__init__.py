import azure.functions as func


def main(file: func.InputStream) -> str:
    return f"{file.name} {file.length} {file.metadata['a']} {file.read()!r}"
