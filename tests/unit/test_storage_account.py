"""Connection strings and what is wrong with them."""

import pytest

from fnhost.bindings.storage import Account, BadConnection, parse, resolve
from fnhost.bindings.storage.client import StorageRequest, signed

KEY = "a2V5"


def test_development_storage_is_the_emulator_on_this_machine() -> None:
    account = parse("UseDevelopmentStorage=true")
    assert account.name == "devstoreaccount1"
    assert account.blob == "http://127.0.0.1:10000/devstoreaccount1"
    assert account.queue == "http://127.0.0.1:10001/devstoreaccount1"
    assert account.table == "http://127.0.0.1:10002/devstoreaccount1"
    assert parse(account.connection_string).table == account.table


def test_development_storage_may_be_elsewhere() -> None:
    account = parse("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=http://azurite")
    assert account.queue == "http://azurite:10001/devstoreaccount1"


def test_endpoints_derive_from_name_and_suffix() -> None:
    account = parse(f"DefaultEndpointsProtocol=https;AccountName=shop;AccountKey={KEY};EndpointSuffix=core.example")
    assert account.table == "https://shop.table.core.example"
    assert account.key == b"key"
    assert parse(f"accountname=shop;accountkey={KEY}").blob == "https://shop.blob.core.windows.net"


def test_an_explicit_endpoint_wins() -> None:
    account = parse(f"AccountName=shop;AccountKey={KEY};QueueEndpoint=http://host:1/shop/")
    assert (account.queue, account.table) == ("http://host:1/shop", "https://shop.table.core.windows.net")


def test_a_signature_takes_the_place_of_the_key() -> None:
    endpoints = "BlobEndpoint=http://b;QueueEndpoint=http://q;TableEndpoint=http://t"
    account = parse(f"{endpoints};SharedAccessSignature=?sv=1&sig=a%3D")
    url, headers = signed(account, StorageRequest("queue", "GET", "/x", {"a": "b/c"}), "now")
    assert url == "http://q/x?a=b%2Fc&sv=1&sig=a%3D"
    assert "Authorization" not in headers


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no storage connection string"),
        ("https://shop.blob.core.windows.net", "is no storage connection string"),
        (f"AccountKey={KEY}", "neither AccountName nor BlobEndpoint"),
        ("AccountName=shop", "neither AccountKey nor SharedAccessSignature"),
        ("AccountName=shop;AccountKey=abc", "is not base64"),
        ("AccountName=shop;AccountKey=ünicode", "is not base64"),
        (f"AccountName=secret shop;AccountKey={KEY}", "is no address of a service"),
        (f"BlobEndpoint=http://user:secret@host:port;AccountKey={KEY}", "is no address of a service"),
        (f"BlobEndpoint=https://host/?sig=secret;AccountKey={KEY}", "is no address of a service"),
        (f"BlobEndpoint=ftp://secret;AccountKey={KEY}", "is no address of a service"),
        (f"BlobEndpoint=http://[secret;AccountKey={KEY}", "is no address of a service"),
        ("UseDevelopmentStorage=true;DevelopmentStorageProxyUri=secret", "is no address of a service"),
    ],
)
def test_a_bad_connection_string_names_its_setting_and_the_fault(text: str, complaint: str) -> None:
    with pytest.raises(BadConnection, match=rf"MyStorage.* {complaint}") as raised:
        parse(text, "MyStorage")
    assert "secret" not in str(raised.value)
    assert KEY not in str(raised.value)


def test_a_connection_string_in_the_place_of_its_name_is_not_repeated() -> None:
    with pytest.raises(BadConnection, match="should be the name of a setting") as raised:
        resolve(f"AccountName=shop;AccountKey={KEY}", {}.get, {}.get)
    assert KEY not in str(raised.value)


def test_a_connection_is_found_by_its_name() -> None:
    values = {"Shop": "UseDevelopmentStorage=true"}
    assert resolve("Shop", values.get, values.get).name == "devstoreaccount1"


@pytest.mark.parametrize("name", ["", "Storage", "AzureWebJobsStorage", "Shop"])
def test_a_missing_connection_says_what_to_write_and_where(name: str) -> None:
    setting = "Shop" if name == "Shop" else "AzureWebJobsStorage"
    with pytest.raises(BadConnection, match=rf"The setting {setting} is missing.*local\.settings\.json"):
        resolve(name, {}.get, {}.get)


@pytest.mark.parametrize("key", ["Shop__accountName", "AzureWebJobsShop__queueServiceUri"])
def test_an_identity_is_refused_with_a_way_out(key: str) -> None:
    with pytest.raises(BadConnection, match=r"The connection Shop uses an identity.*UseDevelopmentStorage=true"):
        resolve("Shop", {}.get, {key: "x"}.get)


def test_secrets_are_not_shown() -> None:
    assert "key" not in repr(Account("a", "b", "q", "t", b"key", "sig", "text")).removeprefix("Account(")
