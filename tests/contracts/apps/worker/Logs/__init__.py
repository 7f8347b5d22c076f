import logging
import sys
import threading


def main(req, context):
    logging.debug("at debug")
    logging.info("at info: %s", "grüße")
    logging.info("%d", "no number")
    logging.getLogger("mine").warning("at warning")
    try:
        1 / 0
    except ZeroDivisionError:
        logging.exception("with a traceback")
    run(lambda: logging.info("from a thread of nobody"))
    run(lambda: claim(context) or logging.info("from a thread of ours"))
    print("printed")
    print("a warning on stderr", file=sys.stderr)
    print("an error on stderr", file=sys.stderr)


def claim(context):
    context.thread_local_storage.invocation_id = context.invocation_id


def run(work):
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
