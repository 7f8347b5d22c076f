"""Parameters of an SDK's types (deferred binding) in our own workers, over a real storage emulator."""

from collections.abc import Mapping
from pathlib import Path

import httpx

from fnhost.azurite import Azurite
from tests.support.hosts import running, write_app
from tests.support.node import NODE, write_v4
from tests.support.storage import container, fresh

PYTHON = """
import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route(route="read/{name}")
@app.blob_input(arg_name="client", path="%BOX%/{name}", connection="AzureWebJobsStorage")
def Read(req: func.HttpRequest, client: blob.BlobClient) -> str:
    return client.blob_name + ": " + client.download_blob().readall().decode()


@app.route(route="list")
@app.blob_input(arg_name="client", path="%BOX%", connection="AzureWebJobsStorage")
def List(req: func.HttpRequest, client: blob.ContainerClient) -> str:
    return ",".join(client.list_blob_names())


@app.blob_trigger(arg_name="client", path="%BOX%/{name}", connection="AzureWebJobsStorage")
def Found(client: blob.BlobClient):
    print("found", client.blob_name, client.get_blob_properties().size, flush=True)


@app.queue_trigger(arg_name="client", queue_name="%BOX%", connection="AzureWebJobsStorage")
def Wrong(client: blob.BlobClient):
    pass
"""
NODE_APP = """
const { app, input } = require('@azure/functions');
const { ResourceFactoryResolver } = require('@azure/functions-extensions-base');

const tell = ({ version, source, contentType, content }) => ({ version, source, contentType, ...JSON.parse(content) });
for (const source of ['AzureStorageBlobs', 'AzureStorageTables']) {
  ResourceFactoryResolver.getInstance().registerResourceFactory(source, tell);
}
const connection = 'AzureWebJobsStorage';
const blob = input.storageBlob({ path: '%BOX%/{name}', connection, sdkBinding: true });
const row = input.table({ tableName: 'Rows', partitionKey: '{name}', connection, sdkBinding: true });
app.get('Told', {
  authLevel: 'anonymous',
  route: 'told/{name}',
  extraInputs: [blob, row],
  handler: (request, context) => ({ jsonBody: [context.extraInputs.get(blob), context.extraInputs.get(row)] }),
});
"""


def settings(storage: Azurite) -> tuple[Mapping[str, str], str]:
    box = fresh("box")
    return {"AzureWebJobsStorage": storage.connection_string, "BOX": box}, box


def test_an_extension_for_python_opens_blobs_and_containers(storage: Azurite, tmp_path: Path) -> None:
    told, box = settings(storage)
    app = write_app(tmp_path / "app", {"function_app.py": PYTHON})
    with container(storage.connection_string, box) as client, running(app, **told) as host:
        client.create_container()
        client.upload_blob("a.txt", b"hello")
        assert host.get("/api/read/a.txt").text == "a.txt: hello"
        assert host.get("/api/list").text == "a.txt"
        host.output.until("found a.txt 5")
        host.output.until('"queuetrigger" does not match its Python annotation "BlobClient"')


def test_a_model_for_node_is_told_where_data_lies(storage: Azurite, tmp_path: Path) -> None:
    told, box = settings(storage)
    app = write_v4(tmp_path / "app", {"src/app.js": NODE_APP})
    with running(app, **told, **NODE) as host:
        answer: httpx.Response = host.get("/api/told/a.txt")
        blob, row = answer.json()
    common = {"version": "1.0", "contentType": "application/json", "Connection": "AzureWebJobsStorage"}
    assert blob == {**common, "source": "AzureStorageBlobs", "ContainerName": box, "BlobName": "a.txt"}
    keys = {"TableName": "Rows", "PartitionKey": "a.txt", "RowKey": None, "Take": 0, "Filter": None}
    assert row == {**common, "source": "AzureStorageTables", **keys}
