"""HTTPS before a local server: botocore sends bearer tokens over nothing else."""

from __future__ import annotations

import contextlib
import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@contextlib.contextmanager
def https_before(url: str, directory: Path) -> Iterator[tuple[str, Path]]:
    """Serve an http URL as https; give the new URL and the certificate to trust."""
    certificate = directory / "certificate.pem"
    _write_certificate(certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    behind = urlsplit(url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = (behind.hostname or "", behind.port or 80)
        threading.Thread(target=_accept, args=(listener, context, address), daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}", certificate


def _accept(listener: socket.socket, context: ssl.SSLContext, address: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # closed
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=_serve, args=(connection, context, address), daemon=True).start()


def _serve(connection: socket.socket, context: ssl.SSLContext, address: tuple[str, int]) -> None:
    """Pass bytes there and back until one side closes."""
    with (
        contextlib.suppress(OSError),
        context.wrap_socket(connection, server_side=True) as client,
        socket.create_connection(address) as server,
    ):
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)


def _write_certificate(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
