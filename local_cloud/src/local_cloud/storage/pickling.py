"""Serialization of moto's objects without references that are valid only in this process: backends and locks."""

import _thread
import io
import pickle
import threading
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from moto.backends import get_backend
from moto.core.base_backend import BaseBackend

_PRIVATE_KEYS = (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)
_LOCKS = (_thread.LockType, type(threading.RLock()), threading.Condition)


def dumps(value: Any) -> bytes:
    """Return an object as bytes. Equal bytes mean equal states."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    return _Unpickler(io.BytesIO(data)).load()


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, BaseBackend):
            return type(value).__module__.split(".")[1], value.account_id, value.region_name
        return None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _LOCKS):
            return type(value) if isinstance(value, threading.Condition) else _new_lock, ()
        if isinstance(value, _PRIVATE_KEYS):
            encoding, form = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8
            return _private_key, (value.private_bytes(encoding, form, serialization.NoEncryption()),)
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, identity: Any) -> Any:
        service, account, region = identity
        return get_backend(service)[account][region]


def _new_lock() -> Any:
    return threading.RLock()


def _private_key(data: bytes) -> Any:
    return serialization.load_der_private_key(data, password=None)
