"""AWS clients: one of each per process, with time limits that fit a request.

They are botocore clients without boto3 around them: a function only makes calls, and boto3 would import resources and
threaded transfers at each cold start. Botocore also reads megabytes of descriptions before it creates the first client.
For the services that requests wait for, `descriptions/` holds the part that functions use, and botocore's loader finds
it first. `python -m layers.descriptions` extracts it when the layer is built. All else is botocore's.
"""

from __future__ import annotations

import base64
import encodings.idna  # noqa: F401  which the first connection would import while a request waits
import gzip
import os
from functools import cache
from typing import Any

import orjson
from botocore.config import Config
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session, get_session

DESCRIPTIONS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "descriptions")  # noqa: PTH118, PTH120
_BODY = "alsolike_body"


@cache
def client(
    service: str,
    *,
    connect_timeout_s: float = 2,
    read_timeout_s: float = 20,
    attempts: int = 4,
    checks_calls: bool = True,
) -> Any:
    """Return the process's low-level client of `service`; the endpoint comes from AWS_ENDPOINT_URL if it is set.

    Parameters
    ----------
    checks_calls
        If true, botocore validates each call against the service's description before it is sent. That is a tenth of
        the cost of a call, for a function that repeats the same few calls. If false, `write_batches_fast` applies too.
    """
    made = session().create_client(
        service,
        config=Config(
            connect_timeout=connect_timeout_s,
            read_timeout=read_timeout_s,
            retries={"mode": "standard", "total_max_attempts": attempts},
            max_pool_connections=16,
            parameter_validation=checks_calls,
        ),
    )
    if service == "dynamodb":
        for operation in ("Query", "Scan"):
            made.meta.events.register(f"before-parse.dynamodb.{operation}", _parse_items)
        if not checks_calls:
            write_batches_fast(made)
    return made


def write_batches_fast(dynamodb: Any) -> None:
    """Make a client of DynamoDB encode batches in a fraction of the time of botocore, which visits each attribute.

    DynamoDB validates the writes, not botocore: for clients that do not check calls.
    """
    dynamodb.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", _encode_batch)
    dynamodb.meta.events.register("before-call.dynamodb.BatchWriteItem", _send_batch)


def _encode_batch(*, params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Keep the request's body; return the request with one write per table, which is enough to find the endpoint."""
    context[_BODY] = orjson.dumps(params, default=_base64)
    return params | {"RequestItems": {table: writes[:1] for table, writes in params["RequestItems"].items()}}


def _base64(binary: bytes) -> str:
    return base64.b64encode(binary).decode()


def _send_batch(*, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = context.pop(_BODY)


def _parse_items(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Parse the items of a query or a scan in a twentieth of botocore's time. Binary attributes stay in base64."""
    if response_dict["status_code"] == 200:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


@cache
def session() -> Session:
    """Return the process's botocore session."""
    return session_with(DESCRIPTIONS)


def session_with(*descriptions: str) -> Session:
    """Return a botocore session that reads descriptions of services quickly, given ones before botocore's."""
    made = get_session()
    made.register_component("data_loader", _Descriptions(list(descriptions), file_loader=_Files()))
    return made


class _Descriptions(Loader):  # type: ignore[misc]
    """Botocore's descriptions of services."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of all folders; botocore would open each of the four hundred, with the same result here."""
        return [name for path in self.search_paths if os.path.isdir(path) for name in os.listdir(path)]  # noqa: PTH112, PTH208

    def is_builtin_path(self, path: str) -> bool:
        """Return true for botocore's own files and for those extracted from them, so that rule sets find endpoints."""
        return path.startswith(DESCRIPTIONS) or bool(super().is_builtin_path(path))


class _Files(JSONFileLoader):  # type: ignore[misc]
    """A reader of descriptions that is several times as fast as botocore's."""

    def load_file(self, file_path: str) -> Any:
        """Return the content of `file_path`, given without its suffix, or None if there is no such file."""
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if os.path.isfile(path):  # noqa: PTH113
                with opened(path, "rb") as file:
                    return orjson.loads(file.read())
        return None
