def twice(text):
    return text * 2
