import json

import azure.functions as func


def main(message: func.QueueMessage, file: func.InputStream, raw: bytes, rows) -> str:
    return json.dumps(
        {
            "body": message.get_body().decode(),
            "id": message.id,
            "count": message.dequeue_count,
            "inserted": message.insertion_time.isoformat(),
            "file": file.read().decode(),
            "raw": repr(raw),
            "rows": rows,
        }
    )
