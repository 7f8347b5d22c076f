"""Timers, queues, blobs, tables, expressions and retries in JavaScript, in both programming models, on real storage."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from azure.data.tables import TableClient

from fnhost.azurite import Azurite
from tests.support.hosts import Host, running
from tests.support.node import HTTP, NODE, write_v4
from tests.support.storage import container, fresh, queue, texts
from tests.support.workers import write_file

ALL_BYTES = bytes(range(256))
YEARLY = "0 0 0 1 1 *"
FIXED = {"strategy": "fixedDelay", "maxRetryCount": 2, "delayInterval": "00:00:00"}
RETURNED = {"name": "$return", "type": "http", "direction": "out"}

V3: Mapping[str, tuple[str, list[dict[str, Any]]]] = {
    "Send": (
        "async (context, req) => { context.bindings.sent = req.body; return { body: 'sent' }; }",
        [HTTP, RETURNED, {"name": "sent", "type": "queue", "direction": "out", "queueName": "%QUEUE%"}],
    ),
    "Work": (
        """async (context, message) => {
          const { dequeueCount, id, insertionTime } = context.bindingData;
          context.log(`got ${JSON.stringify(message)} ${dequeueCount} ${typeof id} ${insertionTime > '2000'}`);
          if (message === 'bad') throw new Error('bad message');
          context.bindings.blob = Buffer.from(JSON.stringify(message)).reverse();
          context.bindings.row = { RowKey: message.id, Count: message.count, Big: 2 ** 40 };
        }""",
        [
            {"name": "message", "type": "queueTrigger", "direction": "in", "queueName": "%QUEUE%"},
            {"name": "blob", "type": "blob", "direction": "out", "path": "%CONTAINER%/{id}.txt"},
            {"name": "row", "type": "table", "direction": "out", "tableName": "%TABLE%", "partitionKey": "{id}"},
        ],
    ),
    "Read": (
        """async (context, blob) => {
          const { name, uri, properties } = context.bindingData;
          context.log(`read ${name} ${Buffer.isBuffer(blob)} ${blob.toString()} ${uri.endsWith(`${name}.txt`)}`);
          context.bindings.done = `${name} of ${blob.length} bytes`;
        }""",
        [
            {"name": "blob", "type": "blobTrigger", "direction": "in", "path": "%CONTAINER%/{name}.txt"}
            | {"dataType": "binary"},
            {"name": "done", "type": "queue", "direction": "out", "queueName": "%DONE%"},
        ],
    ),
    "Put": (
        "async (context, req) => { context.bindings.blob = req.rawBody ? Buffer.from(req.body) : req.body; }",
        [
            HTTP,
            {"name": "res", "type": "http", "direction": "out"},
            {"name": "blob", "type": "blob", "direction": "out", "path": "%CONTAINER%/{Query.name}"},
        ],
    ),
    "Get": (
        """async (context, req, text, bytes, missing) => ({
          body: {
            text: typeof text,
            bytes: [...bytes].length,
            sum: bytes.reduce((a, b) => a + b),
            missing: missing ?? null,
          },
        })""",
        [
            {**HTTP, "route": "get/{name}"},
            RETURNED,
            {"name": "text", "type": "blob", "direction": "in", "path": "%CONTAINER%/{name}"},
            {"name": "bytes", "type": "blob", "direction": "in", "path": "%CONTAINER%/{name}", "dataType": "binary"},
            {"name": "missing", "type": "blob", "direction": "in", "path": "%CONTAINER%/{name}.missing"},
        ],
    ),
    "Rows": (
        "async (context, req, one, some) => ({ body: { one: one ?? null, some } })",
        [
            {**HTTP, "route": "rows/{p}/{r}"},
            RETURNED,
            {"name": "one", "type": "table", "direction": "in", "tableName": "%TABLE%"}
            | {"partitionKey": "{p}", "rowKey": "{r}"},
            {"name": "some", "type": "table", "direction": "in", "tableName": "%TABLE%"}
            | {"filter": "Count gt {Query.above}", "take": 1},
        ],
    ),
    "Tick": (
        "async (context, timer) => context.log(`tick ${timer.isPastDue} ${timer.schedule.adjustForDST}`)",
        [{"name": "timer", "type": "timerTrigger", "direction": "in", "schedule": YEARLY, "runOnStartup": True}],
    ),
    "Flaky": (
        """async (context) => {
          const { retryCount, maxRetryCount, exception } = context.executionContext.retryContext;
          context.log(`try ${retryCount} of ${maxRetryCount} after ${exception?.message}.`);
          if (retryCount < 2) throw new Error(`failure ${retryCount}`);
          return { body: `succeeded after ${retryCount}` };
        }""",
        [HTTP, RETURNED],
    ),
}
V4 = """
const { app, input, output } = require('@azure/functions');

const connection = 'AzureWebJobsStorage';
const queue = output.storageQueue({ queueName: '%QUEUE%', connection });
app.post('Send', {
  authLevel: 'anonymous',
  extraOutputs: [queue],
  handler: async (request, context) => {
    context.extraOutputs.set(queue, await request.json());
    return { body: 'sent' };
  },
});
const blob = output.storageBlob({ path: '%CONTAINER%/{id}.txt', connection });
const row = output.table({ tableName: '%TABLE%', partitionKey: '{id}', connection });
app.storageQueue('Work', {
  queueName: '%QUEUE%',
  connection,
  extraOutputs: [blob, row],
  handler: (message, context) => {
    const { dequeueCount, id, insertionTime } = context.triggerMetadata;
    context.log(`got ${JSON.stringify(message)} ${dequeueCount} ${typeof id} ${insertionTime > '2000'}`);
    if (message === 'bad') throw new Error('bad message');
    context.extraOutputs.set(blob, Buffer.from(JSON.stringify(message)).reverse());
    context.extraOutputs.set(row, { RowKey: message.id, Count: message.count, Big: 2 ** 40 });
  },
});
app.storageBlob('Read', {
  path: '%CONTAINER%/{name}.txt',
  connection,
  return: output.storageQueue({ queueName: '%DONE%', connection }),
  handler: (content, context) => {
    const { name, uri } = context.triggerMetadata;
    context.log(`read ${name} ${Buffer.isBuffer(content)} ${content.toString()} ${uri.endsWith(`${name}.txt`)}`);
    return `${name} of ${content.length} bytes`;
  },
});
const put = output.storageBlob({ path: '%CONTAINER%/{Query.name}', connection });
app.post('Put', {
  authLevel: 'anonymous',
  extraOutputs: [put],
  handler: async (request, context) => {
    context.extraOutputs.set(put, Buffer.from(await request.arrayBuffer()));
    return {};
  },
});
const text = input.storageBlob({ path: '%CONTAINER%/{name}', connection, dataType: 'string' });
const bytes = input.storageBlob({ path: '%CONTAINER%/{name}', connection, dataType: 'binary' });
const missing = input.storageBlob({ path: '%CONTAINER%/{name}.missing', connection });
app.get('Get', {
  route: 'get/{name}',
  authLevel: 'anonymous',
  extraInputs: [text, bytes, missing],
  handler: async (request, context) => {
    const found = context.extraInputs.get(bytes);
    return {
      jsonBody: {
        text: typeof context.extraInputs.get(text),
        bytes: [...found].length,
        sum: found.reduce((a, b) => a + b),
        missing: context.extraInputs.get(missing) ?? null,
      },
    };
  },
});
const one = input.table({ tableName: '%TABLE%', partitionKey: '{p}', rowKey: '{r}', connection });
const some = input.table({ tableName: '%TABLE%', filter: 'Count gt {Query.above}', take: 1, connection });
app.get('Rows', {
  route: 'rows/{p}/{r}',
  authLevel: 'anonymous',
  extraInputs: [one, some],
  handler: async (request, { extraInputs }) => ({
    jsonBody: { one: extraInputs.get(one) ?? null, some: extraInputs.get(some) },
  }),
});
app.timer('Tick', {
  schedule: '0 0 0 1 1 *',
  runOnStartup: true,
  handler: (timer, context) => context.log(`tick ${timer.isPastDue} ${timer.schedule.adjustForDST}`),
});
app.http('Flaky', {
  authLevel: 'anonymous',
  retry: { strategy: 'fixedDelay', maxRetryCount: 2, delayInterval: { milliseconds: 1 } },
  handler: async (request, context) => {
    const { retryCount, maxRetryCount, exception } = context.retryContext;
    context.log(`try ${retryCount} of ${maxRetryCount} after ${exception?.message}.`);
    if (retryCount < 2) throw new Error(`failure ${retryCount}`);
    return { body: `succeeded after ${retryCount}` };
  },
});
"""
HOST_JSON = '{"version": "2.0", "extensions": {"queues": {"maxDequeueCount": 2}}}'


class Site:
    """Names of this module's app in storage alone."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.names = {"QUEUE": fresh("q"), "DONE": fresh("d"), "CONTAINER": fresh("c"), "TABLE": fresh("t")}
        self.settings = {"AzureWebJobsStorage": connection, "AzureFunctionsWebHost__hostid": fresh("host")}


def write_app(root: Path, model: str) -> Path:
    if model == "v4":
        return write_v4(root, {"src/app.js": V4, "host.json": HOST_JSON})
    write_file(root / "host.json", HOST_JSON)
    for name, (code, bindings) in V3.items():
        write_file(root / name / "index.js", f"module.exports = {code};")
        document = {"bindings": bindings, **({"retry": FIXED} if name == "Flaky" else {})}
        write_file(root / name / "function.json", json.dumps(document))
    return root


@pytest.fixture(scope="module", params=["v3", "v4"])
def served(
    request: pytest.FixtureRequest, storage: Azurite, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Host, Site]]:
    site = Site(storage.connection_string)
    app = write_app(tmp_path_factory.mktemp("app") / "app", request.param)
    with running(app, **site.settings, **site.names, **NODE) as host:
        yield host, site


def test_a_timer_fires(served: tuple[Host, Site]) -> None:
    host, _ = served
    host.output.until("tick false true")


def test_from_a_request_over_a_queue_and_a_blob_to_a_queue_and_a_table(served: tuple[Host, Site]) -> None:
    host, site = served
    messages = [{"id": "a", "count": 1}, {"id": "b", "count": 5}]
    assert host.post("/api/Send", json=messages).text == "sent"
    host.output.until('got {"id":"a","count":1} 1 string true')
    text = json.dumps(messages[0], separators=(",", ":"))[::-1]
    host.output.until(f"read a true {text} true")
    with queue(site.connection, site.names["DONE"]) as client:
        assert texts(client, 2) == [f"a of {len(text)} bytes", f"b of {len(text)} bytes"]
    with container(site.connection, site.names["CONTAINER"]) as blobs:
        assert blobs.download_blob("a.txt").readall() == text.encode()
    with TableClient.from_connection_string(site.connection, site.names["TABLE"]) as table:
        assert [(row["RowKey"], row["Count"]) for row in table.list_entities()] == [("a", 1), ("b", 5)]
    row = {"PartitionKey": "b", "RowKey": "b", "Count": 5, "Big": 2**40}
    assert host.get("/api/rows/b/b?above=2").json() == {"one": row, "some": [row]}
    assert host.get("/api/rows/b/none?above=9").json() == {"one": None, "some": []}


def test_a_message_that_fails_becomes_poison(served: tuple[Host, Site]) -> None:
    host, site = served
    host.post("/api/Send", json=["bad"])
    with queue(site.connection, f"{site.names['QUEUE']}-poison") as poison:
        assert texts(poison, 1) == ["bad"]
    host.output.until('got "bad" 2')
    host.output.until("Error: bad message", 2)


def test_bytes_and_texts_of_blobs(served: tuple[Host, Site]) -> None:
    host, site = served
    octets = {"content-type": "application/octet-stream"}
    assert host.post("/api/Put?name=all", content=ALL_BYTES, headers=octets).status_code in (200, 204)
    with container(site.connection, site.names["CONTAINER"]) as blobs:
        assert blobs.download_blob("all").readall() == ALL_BYTES
    assert host.get("/api/get/all").json() == {"text": "string", "bytes": 256, "sum": sum(ALL_BYTES), "missing": None}


def test_a_retry_policy_and_its_context(served: tuple[Host, Site]) -> None:
    host, _ = served
    assert host.get("/api/Flaky").text == "succeeded after 2"
    host.output.until("try 0 of 2 after undefined.")
    host.output.until("try 2 of 2 after failure 1.")


def test_runs_by_hand(served: tuple[Host, Site]) -> None:
    host, site = served
    with container(site.connection, site.names["CONTAINER"]) as blobs:
        if not blobs.exists():
            blobs.create_container()
        blobs.upload_blob("by hand.bin", b"123")
    given = {
        "Tick": ("", "tick "),
        "Work": ('{"id": "by-hand", "count": 0}', 'got {"id":"by-hand","count":0}'),
        "Read": (f"{site.names['CONTAINER']}/by hand.bin", "read "),
    }
    for name, (text, told) in given.items():
        before = host.output.count(told)
        assert host.post(f"/admin/functions/{name}", json={"input": text}).status_code == 202
        host.output.until(told, before + 1)
