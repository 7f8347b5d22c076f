"""The official clients of storage, and names in it that nobody else uses."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient
from azure.storage.queue import QueueClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from tests.support.hosts import PATIENCE, POLL


def fresh(prefix: str) -> str:
    return f"{prefix}{uuid.uuid4().hex[:12]}"


@contextmanager
def queue(connection: str, name: str, is_base64: bool = True) -> Iterator[QueueClient]:
    policies = {
        "message_encode_policy": TextBase64EncodePolicy(),
        "message_decode_policy": TextBase64DecodePolicy(),
    }
    with QueueClient.from_connection_string(connection, name, **(policies if is_base64 else {})) as client:
        yield client


@contextmanager
def container(connection: str, name: str) -> Iterator[ContainerClient]:
    with ContainerClient.from_connection_string(connection, name) as client:
        yield client


def texts(client: QueueClient, count: int) -> Sequence[str]:
    """Take so many messages out of a queue, waiting for them."""
    found: list[str] = []
    end = time.monotonic() + PATIENCE
    while len(found) < count:
        assert time.monotonic() < end, f"{client.queue_name} has {found} and not {count} messages"
        found += taken(client)
        if len(found) < count:
            time.sleep(POLL)
    return sorted(found)


def taken(client: QueueClient) -> Sequence[str]:
    """What is visible in a queue now, taken out of it."""
    try:
        messages = list(client.receive_messages(messages_per_page=32, max_messages=32, visibility_timeout=600))
    except ResourceNotFoundError:
        return []
    for message in messages:
        client.delete_message(message)
    return [message.content for message in messages]


def until_empty(client: QueueClient) -> None:
    """Return as soon as a queue holds no message, hidden ones included."""
    end = time.monotonic() + PATIENCE
    while left := client.get_queue_properties().approximate_message_count:
        assert time.monotonic() < end, f"{client.queue_name} still has {left} messages"
        time.sleep(POLL)
