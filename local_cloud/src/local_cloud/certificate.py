"""Certificate that is created on this machine, with which the embedded cloud serves HTTPS."""

import datetime as dt
import ipaddress
import os
import ssl
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_LIFETIME = dt.timedelta(days=397)  # The maximum that Apple recommends.
_RENEW_BEFORE = dt.timedelta(days=7)


def server_context(directory: Path) -> tuple[ssl.SSLContext, Path]:
    """Return the TLS settings of servers, and the file of the certificate that clients must trust.

    A certificate that is valid for more than a week is reused, so that clients also trust it after a restart.
    """
    directory.mkdir(parents=True, exist_ok=True)
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    if not _is_valid(certificate) or not key.is_file():
        _write(certificate, key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, certificate


def _is_valid(path: Path) -> bool:
    if not path.is_file():
        return False
    expires = x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc
    return dt.datetime.now(dt.UTC) + _RENEW_BEFORE < expires


def _write(certificate: Path, key: Path) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Embedded cloud")])
    now = dt.datetime.now(dt.UTC)
    hosts = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    key.touch(mode=0o600)
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    draft = certificate.with_suffix(f".{os.getpid()}")
    draft.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    draft.replace(certificate)
