"""Blob trigger, input and output, over real blobs (platform/blob.md 1 to 4)."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure.storage.blob import ContainerClient

from fnhost.azurite import Azurite
from tests.support.hosts import Host, bindings, running, write_app
from tests.support.storage import container, fresh, queue, texts

HTTP_IN = {"name": "req", "type": "httpTrigger", "direction": "in", "authLevel": "anonymous"}
HTTP_OUT = {"name": "$return", "type": "http", "direction": "out"}
WORK = """
import azure.functions as func

def main(blob: func.InputStream, done: func.Out[bytes]) -> None:
    body = blob.read()
    kind = blob.blob_properties["ContentType"]
    print(f"got {blob.name} {len(body)} {blob.length} {blob.uri.endswith(blob.name)} {kind}")
    if body == b"bad":
        raise ValueError("bad")
    done.set(body[::-1])
"""
ALL_BYTES = bytes(range(256))
LARGE = 70 * 1024 * 1024
"""Bytes: more than the official client sends or reads in one request, so that it sends blocks and reads ranges."""
LARGE_BODY = "import random\nBODY = random.Random(7).randbytes(1024 * 1024) * 70\n"
PROXIES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
CLIENT = "azure.storage.blob"
HELLO = "def main(req) -> str:\n    return 'hello'\n"


class Site:
    """Names of this test alone."""

    def __init__(self, connection: str) -> None:
        self.connection = connection
        self.input, self.output = fresh("in"), fresh("out")
        self.settings = {"AzureWebJobsStorage": connection, "AzureFunctionsWebHost__hostid": fresh("host")}

    @contextmanager
    def containers(self) -> Iterator[tuple[ContainerClient, ContainerClient]]:
        with container(self.connection, self.input) as source, container(self.connection, self.output) as target:
            yield source, target


@pytest.fixture
def site(storage: Azurite) -> Site:
    return Site(storage.connection_string)


def app(root: Path, site: Site, work: str = WORK) -> Path:
    trigger = {"name": "blob", "type": "blobTrigger", "direction": "in", "path": f"{site.input}/{{name}}.{{ext}}"}
    done = {"name": "done", "type": "blob", "direction": "out", "path": f"{site.output}/{{ext}}/{{name}}"}
    write = {"name": "blob", "type": "blob", "direction": "out", "path": f"{site.input}/{{Query.to}}"}
    read = {"name": "blob", "type": "blob", "direction": "in", "path": f"{site.input}/{{name}}"}
    put = "def main(req, blob) -> str:\n    blob.set(req.get_body())\n    return 'written'\n"
    get = "def main(req, blob: {}) -> str:\n    return repr(blob.read() if hasattr(blob, 'read') else blob)\n"
    return write_app(
        root,
        {
            "Put/__init__.py": put,
            "Put/function.json": bindings(HTTP_IN, HTTP_OUT, write),
            "Get/__init__.py": get.format("str"),
            "Get/function.json": bindings({**HTTP_IN, "route": "get/{name}"}, HTTP_OUT, read),
            "GetBytes/__init__.py": get.format("bytes"),
            "GetBytes/function.json": bindings(
                {**HTTP_IN, "route": "bytes/{name}"}, HTTP_OUT, {**read, "dataType": "binary"}
            ),
            "Stream/__init__.py": get.replace(": {}", ""),
            "Stream/function.json": bindings({**HTTP_IN, "route": "stream/{name}"}, HTTP_OUT, read),
            "Work/__init__.py": work,
            "Work/function.json": bindings(trigger, done),
            "host.json": '{"version": "2.0", "extensions": {"blobs": {"poisonBlobThreshold": 2}}}',
        },
    )


@pytest.fixture
def host(tmp_path: Path, site: Site) -> Iterator[Host]:
    with running(app(tmp_path, site), **site.settings) as host:
        yield host


def test_what_an_output_writes_its_trigger_fires(host: Host, site: Site) -> None:
    assert host.post("/api/Put?to=a/b.c.txt", content=b"123").text == "written"
    host.output.until("Executed 'Functions.Work' (Succeeded")
    host.output.until(f"got {site.input}/a/b.c.txt 3 3 True application/octet-stream")
    assert host.output.count(f"New blob detected(LogsAndContainerScan): {site.input}/a/b.c.txt") == 1
    with site.containers() as (source, target):
        written = target.get_blob_client("txt/a/b.c").download_blob()
        assert written.readall() == b"321"
        assert written.properties.content_settings.content_type == "application/octet-stream"
        assert len(source.get_blob_client("a/b.c.txt").get_blob_properties().metadata["AzureWebJobsParentId"]) == 36


def test_bytes_and_texts_of_an_input(host: Host, site: Site) -> None:
    host.post("/api/Put?to=all", content=ALL_BYTES)
    assert host.get("/api/get/all").text == repr(ALL_BYTES.decode("utf-8", "replace"))
    assert host.get("/api/bytes/all").text == repr(ALL_BYTES)
    assert host.get("/api/stream/all").text == repr(ALL_BYTES.decode("utf-8", "replace").encode())
    assert [host.get(f"/api/{kind}/missing").text for kind in ("get", "bytes", "stream")] == ["None"] * 3


def test_existing_blobs_are_processed_once_and_new_versions_again(tmp_path: Path, site: Site) -> None:
    code = app(tmp_path, site)
    with site.containers() as (source, target):
        source.create_container()
        source.upload_blob("old.bin", ALL_BYTES)
        source.upload_blob("no-extension", b"not for us")
        with running(code, **site.settings) as host:
            host.output.until("Executed 'Functions.Work' (Succeeded")
            assert target.get_blob_client("bin/old").download_blob().readall() == ALL_BYTES[::-1]
            source.upload_blob("old.bin", b"new", overwrite=True)
            host.output.until("Executed 'Functions.Work' (Succeeded", 2)
        with running(code, **site.settings) as host:
            source.upload_blob("last.bin", b"x")
            host.output.until("Executed 'Functions.Work' (Succeeded")
            host.output.until(f"got {site.input}/last.bin")
            assert host.output.count("Executing 'Functions.Work'") == 1


def test_a_blob_that_always_fails_ends_as_poison(host: Host, site: Site) -> None:
    with site.containers() as (source, _), queue(site.connection, "webjobs-blobtrigger-poison") as poison:
        host.post("/api/Put?to=x.bad", content=b"bad")
        host.output.until("Moving message to queue 'webjobs-blobtrigger-poison'.")
        told = next(json.loads(text) for text in texts(poison, 1) if site.input in text)
        etag = source.get_blob_client("x.bad").get_blob_properties().etag
    assert host.output.count("Executed 'Functions.Work' (Failed") == 2
    assert told == {
        "Type": "BlobTrigger",
        "FunctionId": "Host.Functions.Work",
        "BlobType": "BlockBlob",
        "ContainerName": site.input,
        "BlobName": "x.bad",
        "ETag": etag,
    }


def test_a_host_that_is_killed_loses_no_blob(tmp_path: Path, site: Site) -> None:
    gate = tmp_path / "gate"
    waits = f"import os, time\n{WORK}".replace(
        "    body =", f"    while not os.path.exists({str(gate)!r}): time.sleep(0.01)\n    body ="
    )
    code = app(tmp_path / "app", site, waits)
    hidden = (  # what the killed host holds is free again while the next host waits for it
        "from fnhost.bindings.blob import receipts; receipts.LEASE_SECONDS = 15; "
        "from fnhost.bindings.queue import consumer; consumer.HIDDEN = 2; from fnhost.host.cli import main; main()"
    )
    names = [f"b{number:02}.bin" for number in range(30)]
    with site.containers() as (source, target):
        source.create_container()
        for name in names:
            source.upload_blob(name, name.encode())
        with running(code, program=("-c", hidden), **site.settings) as host:
            host.output.until("Executing 'Functions.Work'", 5)
            children = host.children()
            host.kill()
            for child in children:
                child.wait(30)
        gate.touch()
        with running(code, **site.settings) as host:
            host.output.until("Executed 'Functions.Work' (Succeeded", 30)
            assert [blob.name for blob in target.list_blobs()] == [f"bin/b{number:02}" for number in range(30)]


def test_a_path_that_is_none_is_a_problem_of_its_function(tmp_path: Path, site: Site) -> None:
    code = app(tmp_path, site)
    trigger = {"name": "blob", "type": "blobTrigger", "direction": "in", "path": "Upper/{name}"}
    (code / "Work/function.json").write_text(bindings(trigger))
    with running(code, **site.settings) as host:
        host.output.until("'Upper' is no container: write lower-case letters, digits and -.")
        assert host.get("/api/get/x").text == "None"


def test_a_large_blob_goes_out_in_blocks_and_comes_in_whole(tmp_path: Path, site: Site) -> None:
    code = app(tmp_path, site)
    put = f"{LARGE_BODY}\ndef main(req, blob) -> str:\n    blob.set(BODY)\n    return 'written'\n"
    digest = "import hashlib\n\ndef main(req, blob: bytes) -> str:\n    return hashlib.sha256(blob).hexdigest()\n"
    (code / "Put/__init__.py").write_text(put)
    (code / "GetBytes/__init__.py").write_text(digest)
    with running(code, **site.settings) as host, site.containers() as (source, _):
        assert host.post("/api/Put?to=large").text == "written"
        blob = source.get_blob_client("large")
        assert blob.get_blob_properties().size == LARGE
        assert len(blob.get_block_list("committed")[0]) > 1
        written = hashlib.sha256(blob.download_blob().readall()).hexdigest()
        assert host.get("/api/bytes/large").text == written


def test_a_large_blob_fires_its_trigger(tmp_path: Path, site: Site) -> None:
    work = WORK.replace("done.set(body[::-1])", "done.set(hashlib.sha256(body).hexdigest().encode())")
    body = ALL_BYTES * (LARGE // len(ALL_BYTES))
    with site.containers() as (source, target):
        source.create_container()
        source.upload_blob("large.bin", body)
        with running(app(tmp_path, site, f"import hashlib\n{work}"), **site.settings) as host:
            host.output.until("Executed 'Functions.Work' (Succeeded")
            assert host.output.count(f"got {site.input}/large.bin {LARGE} {LARGE} True") == 1
        written = target.get_blob_client("bin/large").download_blob().readall()
    assert written == hashlib.sha256(body).hexdigest().encode()


def test_blobs_do_not_pass_through_a_proxy(tmp_path: Path, site: Site) -> None:
    """A proxy of a company's network cannot reach this machine's loopback address."""
    proxies = {**dict.fromkeys(PROXIES, "http://127.0.0.1:1"), "NO_PROXY": "", "no_proxy": ""}
    with running(app(tmp_path, site), **site.settings, **proxies) as host:
        assert host.post("/api/Put?to=a.txt", content=b"123").text == "written"
        host.output.until("Executed 'Functions.Work' (Succeeded")
        assert host.get("/api/get/a.txt").text == repr("123")


def test_the_official_client_is_imported_with_the_first_blob(tmp_path: Path, site: Site) -> None:
    """Python prints what the host imports."""
    code = write_app(
        app(tmp_path, site), {"Hello/__init__.py": HELLO, "Hello/function.json": bindings(HTTP_IN, HTTP_OUT)}
    )
    with running(code, program=("-X", "importtime", "-m", "fnhost"), **site.settings) as host:
        assert host.get("/api/Hello").text == "hello"
        host.output.until("Executed 'Functions.Hello' (Succeeded")
        assert host.output.count(CLIENT) == 0 < host.output.count("fnhost.bindings.blob.trigger")
        assert host.get("/api/get/missing").text == "None"
        host.output.until(CLIENT)
