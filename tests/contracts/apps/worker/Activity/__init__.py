def main(given):
    return {"given": given}
