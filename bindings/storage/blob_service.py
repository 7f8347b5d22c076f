"""Blobs: their contents, properties, metadata and leases, a container at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree

from fnhost.bindings.storage.client import StorageClient, StorageRequest, parsed_xml
from fnhost.bindings.storage.connections import StorageResponse
from fnhost.bindings.storage.containers import CONTAINER, Containers
from fnhost.bindings.storage.errors import PreconditionFailed, ResourceExists, ResourceNotFound

META: Final = "x-ms-meta-"
OCTETS: Final = "application/octet-stream"
LEASE: Final[Mapping[str, str]] = {"comp": "lease"}


@dataclass(frozen=True, slots=True)
class BlobProperties:
    """What the service says of a blob. `modified` has whole seconds; `etag` is in quotes."""

    name: str
    etag: str
    length: int
    modified: datetime
    content_type: str = OCTETS
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BlobPage:
    """A page of a container's list. `after` continues it, empty at its end."""

    blobs: Sequence[BlobProperties]
    after: str = ""


class Blobs:
    """Every verb raises StorageError; ResourceNotFound if the container or blob is not there."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client
        self._containers = Containers(client)

    def address(self, container: str, blob: str) -> str:
        """The blob's URL."""
        return f"{self._client.account.blob}{_path(container, blob)}"

    async def get(self, container: str, blob: str) -> tuple[bytes, BlobProperties]:
        response = await self._client.request(StorageRequest("blob", "GET", _path(container, blob)))
        return response.body, _properties(blob, response)

    async def put(
        self,
        container: str,
        blob: str,
        body: bytes,
        metadata: Mapping[str, str] | None = None,
        *,
        content_type: str = OCTETS,
        only_new: bool = False,
        lease: str = "",
    ) -> str:
        """Write a blob, and its container when that is missing. Its etag. Raises ResourceExists if `only_new`."""
        headers = {
            "x-ms-blob-type": "BlockBlob",
            "Content-Type": content_type,
            **{f"{META}{name}": value for name, value in (metadata or {}).items()},
            **({"If-None-Match": "*"} if only_new else {}),
            **_held(lease),
        }
        request = StorageRequest("blob", "PUT", _path(container, blob), None, headers, body)
        try:
            response = await self._client.request(request)
        except ResourceNotFound:
            await self._containers.create(container)
            response = await self._client.request(request)
        return response.headers.get("etag", "")

    async def set_metadata(self, container: str, blob: str, metadata: Mapping[str, str], lease: str = "") -> None:
        headers = {**{f"{META}{name}": value for name, value in metadata.items()}, **_held(lease)}
        await self._client.request(StorageRequest("blob", "PUT", _path(container, blob), {"comp": "metadata"}, headers))

    async def remove(self, container: str, blob: str) -> None:
        """Safe to repeat."""
        try:
            await self._client.request(StorageRequest("blob", "DELETE", _path(container, blob)))
        except ResourceNotFound:
            return

    async def list(self, container: str, prefix: str = "", after: str = "") -> BlobPage:
        """Up to 5,000 blobs by name."""
        asked = {"comp": "list", "prefix": prefix, "marker": after, "include": "metadata"}
        query = {**CONTAINER, **{name: value for name, value in asked.items() if value}}
        response = await self._client.request(StorageRequest("blob", "GET", f"/{container}", query))
        tree = parsed_xml(response)
        return BlobPage([_listed(found) for found in tree.iter("Blob")], tree.findtext("NextMarker") or "")

    async def acquire(self, container: str, blob: str, lease: str, seconds: int) -> bool:
        """Take the blob's lease, or keep it from now on. False if another holds it."""
        asked = {
            "x-ms-lease-action": "acquire",
            "x-ms-lease-duration": str(seconds),
            "x-ms-proposed-lease-id": lease,
        }
        return await self._lease(container, blob, asked)

    async def release(self, container: str, blob: str, lease: str) -> bool:
        """False if it is not ours any more."""
        return await self._lease(container, blob, {"x-ms-lease-action": "release", "x-ms-lease-id": lease})

    async def _lease(self, container: str, blob: str, asked: Mapping[str, str]) -> bool:
        try:
            await self._client.request(StorageRequest("blob", "PUT", _path(container, blob), LEASE, asked))
        except (ResourceExists, PreconditionFailed):
            return False
        return True


def _path(container: str, blob: str) -> str:
    return f"/{container}/{quote(blob, safe='/')}"


def _held(lease: str) -> Mapping[str, str]:
    return {"x-ms-lease-id": lease} if lease else {}


def _properties(name: str, response: StorageResponse) -> BlobProperties:
    headers = response.headers
    return BlobProperties(
        name=name,
        etag=headers.get("etag", ""),
        length=len(response.body),
        modified=_date(headers.get("last-modified", "")),
        content_type=headers.get("content-type", ""),
        metadata={key.removeprefix(META): value for key, value in headers.items() if key.startswith(META)},
    )


def _listed(found: ElementTree.Element) -> BlobProperties:
    """The service lists an etag without its quotes."""
    etag = found.findtext("Properties/Etag", "")
    return BlobProperties(
        name=found.findtext("Name", ""),
        etag=etag if etag.startswith('"') else f'"{etag}"',
        length=int(found.findtext("Properties/Content-Length", "0")),
        modified=_date(found.findtext("Properties/Last-Modified", "")),
        content_type=found.findtext("Properties/Content-Type", ""),
        metadata={each.tag: each.text or "" for each in found.findall("Metadata/*")},
    )


def _date(text: str) -> datetime:
    return parsedate_to_datetime(text) if text else datetime.min.replace(tzinfo=UTC)
