"""Program that boots a cloud with data, writes moto's state to a file, and ends without a shutdown.

`python -m restarts.boot_once ASSEMBLY DATA FILE [--change]`: with `--change` it first changes each
resource that holds data. Functions return null and streams are not polled, so only these changes affect the state.
"""

import argparse
import datetime as dt
import hashlib
import json
import os
import re
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from local_cloud.settings import CloudSettings, configure_process

_TIMES: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?|\b1\d{9}(\d{3})?(\.\d+)?\b")
_RECENT_S: Final = 3_600


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("assembly", "data", "file"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--change", action="store_true")
    options = parser.parse_args()
    settings = CloudSettings(assembly=options.assembly, data=options.data)
    configure_process(settings)
    from local_cloud.cloud import LocalCloud
    from local_cloud.execution.function import InvocationResult
    from local_cloud.execution.invoker import Invoker
    from local_cloud.sources.event_sources import EventSources
    from restarts.changes import CHANGES

    EventSources.start = lambda self: None  # type: ignore[method-assign]
    result = InvocationResult("0", b"null", error=None, executed_version="1", duration_ms=1)
    Invoker.invoke = lambda self, function_arn, payload: result  # type: ignore[method-assign]
    cloud = LocalCloud(settings, report=print)
    deployment = cloud.boot(progress=lambda line: None)
    if options.change:
        for resource in deployment.resources:
            if change := CHANGES.get(resource.type):
                change(cloud.clients, resource)
    assert cloud.flush() == 0
    options.file.write_text(json.dumps(dict([*_state(), *_metrics(cloud.recorder.metrics)])))
    os._exit(0)


def _metrics(metrics: Any) -> Iterator[tuple[str, str]]:
    first, last = (dt.datetime(year, 1, 1, tzinfo=dt.UTC) for year in (2000, 2100))
    for series in metrics.series():
        path = f"metrics {series.namespace} {series.name} {sorted(series.dimensions)}"
        yield path, str(metrics.read(series, start=first, end=last))


def _state() -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value in moto's backends. Times and dates have the text `time`."""
    from moto.core.base_backend import BackendDict

    instances: list[Any] = BackendDict._instances  # type: ignore[misc]
    for backends in instances:
        for _, region, backend in backends.iter_backends():
            yield from _values(vars(backend), f"{backends.service_name} {region}", [])


def _values(value: Any, path: str, owners: list[Any]) -> Iterator[tuple[str, str]]:
    from moto.core.base_backend import BaseBackend

    if any(value is owner for owner in owners) or isinstance(value, BaseBackend):
        return
    inner = [*owners, value]
    if isinstance(value, Mapping):
        for key, content in list(value.items()):
            yield from _values(content, f"{path}.{_text(key)}", inner)
    elif isinstance(value, (list, tuple)):
        for position, content in enumerate(value):
            yield from _values(content, f"{path}.{position}", inner)
    elif type(value).__module__.startswith("moto.") and hasattr(value, "__dict__"):
        yield from _values(vars(value), path, inner)
    else:
        yield path, _text(value)


def _text(value: Any) -> str:
    match value:
        case bytes():
            return hashlib.sha256(value).hexdigest()
        case set() | frozenset():
            return str(sorted(map(_text, value)))
        case dt.datetime():
            return "time"
        case int() | float() if any(abs(value / unit - time.time()) < _RECENT_S for unit in (1, 1_000)):
            return "time"
        case str() | int() | float() | None:
            return _TIMES.sub("time", str(value))
    if isinstance(value, tempfile.SpooledTemporaryFile) and not value.closed:  # content of an object in S3
        value.seek(0)
        return _text(value.read())
    if hasattr(value, "private_bytes"):  # private key of KMS
        return _text(value.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    return f"<{type(value).__qualname__}>"


if __name__ == "__main__":
    main()
