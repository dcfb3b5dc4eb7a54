"""Objects of moto as bytes, without what belongs to the process: backends, locks."""

import _thread
import io
import pickle
import threading
from typing import Any

from moto.backends import get_backend
from moto.core.base_backend import BaseBackend

_LOCKS = (_thread.LockType, type(threading.RLock()), threading.Condition)


def dumps(value: Any) -> bytes:
    """Return an object as bytes; the same bytes for the same state."""
    buffer = io.BytesIO()
    _Pickler(buffer, protocol=5).dump(value)
    return buffer.getvalue()


def loads(data: bytes) -> Any:
    """Return the object that was written as bytes."""
    return _Unpickler(io.BytesIO(data)).load()


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if isinstance(value, BaseBackend):
            return type(value).__module__.split(".")[1], value.account_id, value.region_name
        return None

    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, _LOCKS):
            return type(value) if isinstance(value, threading.Condition) else _new_lock, ()
        return NotImplemented


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, identity: Any) -> Any:
        service, account, region = identity
        return get_backend(service)[account][region]


def _new_lock() -> Any:
    return threading.RLock()
