"""Tables: rows as their JSON. A date is written as a text with `"<column>@odata.type": "Edm.DateTime"` beside it."""

import json
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias
from urllib.parse import quote

from fnhost.bindings.formats import odata_escaped
from fnhost.bindings.storage.client import StorageClient, StorageRequest, parsed_json, refused
from fnhost.bindings.storage.connections import StorageResponse
from fnhost.bindings.storage.errors import ResourceExists

Row: TypeAlias = Mapping[str, Any]
Verb = Literal["insert", "replace", "merge", "insert or replace", "insert or merge", "delete"]

PLAIN = "application/json;odata=nometadata"
WITH_ETAGS = "application/json;odata=minimalmetadata"
WRITING = {
    "Content-Type": "application/json",
    "Accept": PLAIN,
    "Prefer": "return-no-content",
    "DataServiceVersion": "3.0",
}
_METHODS: Mapping[Verb, str] = {
    "insert": "POST",
    "replace": "PUT",
    "merge": "PATCH",
    "insert or replace": "PUT",
    "insert or merge": "PATCH",
    "delete": "DELETE",
}
ETAG = "odata.etag"
"""Where a row read with its etag keeps it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A write of one row. Replace, merge and delete need the row to have this `etag` still; `*` is any."""

    verb: Verb
    row: Row
    etag: str = "*"

    @property
    def may_repeat(self) -> bool:
        return self.verb in ("insert or replace", "insert or merge")


@dataclass(frozen=True, slots=True)
class TablePage:
    """A page of rows. `after` continues the query, None at its end."""

    rows: Sequence[Row]
    after: tuple[str, str] | None = None


class Tables:
    """Every method raises StorageError, or ResourceNotFound, ResourceExists, PreconditionFailed where one applies."""

    def __init__(self, client: StorageClient) -> None:
        self._client = client

    async def create(self, table: str) -> None:
        """Create a table; one that exists is no error."""
        body = json.dumps({"TableName": table}).encode()
        try:
            await self._client.request(StorageRequest("table", "POST", "/Tables", None, WRITING, body))
        except ResourceExists as error:
            if error.code != "TableAlreadyExists":
                raise

    async def delete(self, table: str) -> None:
        await self._client.request(StorageRequest("table", "DELETE", f"/Tables('{table}')", None, WRITING))

    async def get(self, table: str, partition: str, row: str) -> Row:
        """One row, with its etag."""
        request = StorageRequest("table", "GET", _address(table, partition, row), None, {"Accept": PLAIN})
        answer = await self._client.request(request)
        return {**parsed_json(answer), ETAG: answer.headers.get("etag", "")}

    async def query(
        self,
        table: str,
        condition: str = "",
        columns: Sequence[str] = (),
        top: int | None = None,
        after: tuple[str, str] | None = None,
        with_etags: bool = False,
    ) -> TablePage:
        """At most 1,000 rows that meet an OData condition, by partition and row key."""
        partition, row = after or ("", "")
        asked = {
            "$filter": condition,
            "$select": ",".join(columns),
            "$top": str(top or ""),
            "NextPartitionKey": partition,
            "NextRowKey": row,
        }
        query = {name: value for name, value in asked.items() if value}
        accept = {"Accept": WITH_ETAGS if with_etags else PLAIN}
        answer = await self._client.request(StorageRequest("table", "GET", f"/{table}()", query, accept))
        return TablePage(parsed_json(answer)["value"], _continuation(answer))

    async def write(self, table: str, operation: Operation) -> str:
        """The row's new etag; empty for a delete."""
        headers = {**WRITING, **_condition(operation)}
        path, body = _path(table, operation), _body(operation)
        method, again = _METHODS[operation.verb], operation.may_repeat
        answer = await self._client.request(StorageRequest("table", method, path, None, headers, body, again))
        return answer.headers.get("etag", "")

    async def transact(self, table: str, operations: Sequence[Operation]) -> Sequence[str]:
        """Write up to 100 rows of one partition, or none of them. Their new etags, in order."""
        mark = uuid.uuid4().hex
        body = _batch(self._client.account.table, table, operations, mark).encode()
        headers = {**WRITING, "Content-Type": f"multipart/mixed; boundary=batch_{mark}", "Accept": "multipart/mixed"}
        answer = await self._client.request(
            StorageRequest("table", "POST", "/$batch", None, headers, body, again=False)
        )
        return _etags(table, answer)


def literal(text: str) -> str:
    """A text as OData conditions write it."""
    return f"'{odata_escaped(text)}'"


def _address(table: str, partition: str, row: str) -> str:
    return f"/{table}(PartitionKey={quote(literal(partition), safe='')},RowKey={quote(literal(row), safe='')})"


def _path(table: str, operation: Operation) -> str:
    if operation.verb == "insert":
        return f"/{table}"
    return _address(table, operation.row["PartitionKey"], operation.row["RowKey"])


def _condition(operation: Operation) -> Mapping[str, str]:
    return {"If-Match": operation.etag} if operation.verb in ("replace", "merge", "delete") else {}


def _body(operation: Operation) -> bytes:
    return b"" if operation.verb == "delete" else json.dumps(operation.row, separators=(",", ":")).encode()


def _continuation(answer: StorageResponse) -> tuple[str, str] | None:
    partition = answer.headers.get("x-ms-continuation-nextpartitionkey")
    return (partition, answer.headers.get("x-ms-continuation-nextrowkey", "")) if partition else None


# --- transactions ----------------------------------------------------------------------------------------------------


def _batch(endpoint: str, table: str, operations: Sequence[Operation], mark: str) -> str:
    parts = [_part(endpoint, table, operation) for operation in operations]
    change = f"--changeset_{mark}\r\n"
    inner = "".join(change + part for part in parts)
    head = f"--batch_{mark}\r\nContent-Type: multipart/mixed; boundary=changeset_{mark}\r\n\r\n"
    return f"{head}{inner}--changeset_{mark}--\r\n--batch_{mark}--\r\n"


def _part(endpoint: str, table: str, operation: Operation) -> str:
    headers = {**WRITING, **_condition(operation)}
    spelled = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return (
        "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"{_METHODS[operation.verb]} {endpoint}{_path(table, operation)} HTTP/1.1\r\n"
        f"{spelled}\r\n{_body(operation).decode()}\r\n"
    )


def _etags(table: str, answer: StorageResponse) -> Sequence[str]:
    """The etags in the answer to a transaction. Its status is always 202; a refusal is its only part."""
    parts = re.split(r"^HTTP/1\.1 ", answer.body.decode("utf-8", errors="replace"), flags=re.MULTILINE)[1:]
    for part in parts:
        status = int(part[:3])
        if status >= 300:
            body = part[part.find("{") : part.rfind("}") + 1].encode()
            raise refused(f"a transaction on {table}", StorageResponse(status, {}, body))
    found = [re.search(r"^ETag: *(\S+.*?)\s*$", part, re.MULTILINE | re.IGNORECASE) for part in parts]
    return [match[1] if match else "" for match in found]
