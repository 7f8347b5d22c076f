"""Connection strings (platform/settings.md 5)."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from fnhost.bindings.storage.errors import BadConnection

DEVELOPMENT_ACCOUNT = "devstoreaccount1"
DEVELOPMENT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
DEVELOPMENT_PORTS = {"blob": 10000, "queue": 10001, "table": 10002}
IDENTITY = ("accountName", "blobServiceUri", "queueServiceUri", "tableServiceUri")

Lookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True)
class Account:
    """An account: the base URLs of its services, without a slash at the end, and its key or shared access signature."""

    name: str
    blob: str
    queue: str
    table: str
    key: bytes = field(default=b"", repr=False)
    signature: str = field(default="", repr=False)
    connection_string: str = field(default="", repr=False, compare=False)


def setting_of(connection: str) -> str:
    """The setting to write for a binding's `connection`: the platform takes it with and without its prefix."""
    return connection if connection not in ("", "Storage") else "AzureWebJobsStorage"


def resolve(name: str, connection: Lookup, setting: Lookup) -> Account:
    """The account that a binding's `connection` names. Raises BadConnection; no message shows a setting's value."""
    if any(mark in name for mark in ";="):
        raise BadConnection(
            "A binding's `connection` is a connection string. It should be the name of a setting: put the string into "
            "Values in local.settings.json, and its name into function.json."
        )
    wanted = setting_of(name)
    text = connection(name)
    if text:
        return parse(text, wanted)
    if any(setting(f"{prefix}__{key}") for prefix in (wanted, f"AzureWebJobs{name}") for key in IDENTITY):
        raise BadConnection(
            f"The connection {wanted} uses an identity, which works in the cloud alone. "
            f"For this machine, give {wanted} a connection string in local.settings.json, "
            'for example "UseDevelopmentStorage=true".'
        )
    raise BadConnection(
        f"The setting {wanted} is missing. Add it to Values in local.settings.json, "
        'for example as "UseDevelopmentStorage=true" for the storage emulator.'
    )


def parse(text: str, name: str = "AzureWebJobsStorage") -> Account:
    """The account of a connection string; `name` is the setting it came from. Raises BadConnection."""
    found = _parts(text, name)
    if found.get("usedevelopmentstorage", "").lower() == "true":
        return _development(found.get("developmentstorageproxyuri", "http://127.0.0.1"), name)
    endpoints = {service: _endpoint(found, service, name) for service in DEVELOPMENT_PORTS}
    return Account(
        name=found.get("accountname", ""),
        **endpoints,
        key=_key(found, name),
        signature=found.get("sharedaccesssignature", "").removeprefix("?"),
        connection_string=text,
    )


def _parts(text: str, name: str) -> Mapping[str, str]:
    pairs = [part.partition("=") for part in text.split(";") if part.strip()]
    if not pairs or not all(equals for _, equals, _ in pairs):
        raise BadConnection(
            f"The value of {name} is no storage connection string: it should be a list of name=value with semicolons "
            'between them, or "UseDevelopmentStorage=true".'
        )
    return {key.strip().lower(): value.strip() for key, _, value in pairs}


def _development(proxy: str, setting: str) -> Account:
    addresses = {name: f"{proxy.rstrip('/')}:{port}/{DEVELOPMENT_ACCOUNT}" for name, port in DEVELOPMENT_PORTS.items()}
    endpoints = {name: _checked(address, name, setting) for name, address in addresses.items()}
    spelled = ";".join(f"{name.capitalize()}Endpoint={url}" for name, url in endpoints.items())
    credentials = f"AccountName={DEVELOPMENT_ACCOUNT};AccountKey={DEVELOPMENT_KEY}"
    return Account(
        name=DEVELOPMENT_ACCOUNT,
        **endpoints,
        key=base64.b64decode(DEVELOPMENT_KEY),
        connection_string=f"DefaultEndpointsProtocol=http;{credentials};{spelled};",
    )


def _endpoint(found: Mapping[str, str], service: str, name: str) -> str:
    if explicit := found.get(f"{service}endpoint"):
        return _checked(explicit.rstrip("/"), service, name)
    account = found.get("accountname")
    if not account:
        raise BadConnection(
            f"The connection string in {name} has neither AccountName nor {service.capitalize()}Endpoint."
        )
    protocol, suffix = found.get("defaultendpointsprotocol", "https"), found.get("endpointsuffix", "core.windows.net")
    return _checked(f"{protocol}://{account}.{service}.{suffix}", service, name)


def _checked(endpoint: str, service: str, name: str) -> str:
    """The message does not repeat the address: it may hold a password or a signature."""
    try:
        parts = urlsplit(endpoint)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_usable = False
    if not is_usable or parts.query or not endpoint.isprintable() or " " in endpoint:
        raise BadConnection(
            f"The {service.capitalize()}Endpoint in {name} is no address of a service: it should look like "
            f"http://127.0.0.1:{DEVELOPMENT_PORTS[service]}/{DEVELOPMENT_ACCOUNT}."
        )
    return endpoint


def _key(found: Mapping[str, str], name: str) -> bytes:
    if not found.get("accountkey") and not found.get("sharedaccesssignature"):
        raise BadConnection(f"The connection string in {name} has neither AccountKey nor SharedAccessSignature.")
    try:
        return base64.b64decode(found.get("accountkey", ""), validate=True)
    except ValueError:
        raise BadConnection(f"The AccountKey in {name} is not base64. Was it cut off?") from None
