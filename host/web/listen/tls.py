"""Certificates for `--useHttps`: the one that is given, or one of our own for localhost."""

import re
from datetime import datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, pkcs12
from cryptography.x509.oid import NameOID

from fnhost.clock import SYSTEM_CLOCK, Clock
from fnhost.host.errors import StartError
from fnhost.host.system.private_files import write_private

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
LIFE = timedelta(days=365)
NAMES = (x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1")), x509.IPAddress(ip_address("::1")))


def certificate(folder: Path, given: str | None, password: str | None, clock: Clock = SYSTEM_CLOCK) -> Path:
    """A PEM file with key and certificate, in `folder`. `given` is a .pfx file. Raises StartError."""
    pem = _opened(Path(given), password) if given else _made(clock.now())
    path = folder / "certificate.pem"
    write_private(path, pem)
    return path


def without_key(pem: bytes) -> bytes:
    """The certificates alone of what `certificate` has written."""
    return b"".join(_CERTIFICATE.findall(pem))


def _opened(path: Path, password: str | None) -> bytes:
    try:
        found = pkcs12.load_pkcs12(path.read_bytes(), password.encode() if password else None)
    except (OSError, ValueError) as error:
        raise StartError(f"--cert {path} cannot be used: {error}. Give a .pfx file, and its --password.") from error
    if found.key is None or found.cert is None:
        raise StartError(f"--cert {path} holds no certificate with its private key. Export both into the .pfx file.")
    certificates = (found.cert, *found.additional_certs)
    key = found.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key + b"".join(each.certificate.public_bytes(Encoding.PEM) for each in certificates)


def _made(now: datetime) -> bytes:
    """Self-signed: a browser has to be told to trust it, as with the official tool's."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(NAMES), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) + made.public_bytes(Encoding.PEM)
