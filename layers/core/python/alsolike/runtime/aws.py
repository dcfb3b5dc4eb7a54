"""AWS clients, one per service and process, with timeouts that fit a request.

The clients are botocore clients, because boto3 would also import resources and threaded transfers at each cold start.
Botocore reads megabytes of service descriptions before it creates the first client. So for latency-critical services,
`descriptions/` contains the part that functions use, which botocore's loader finds first. `python -m
layers.descriptions` extracts this part when the layer is built.
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
    """Return the process's low-level client of a service; AWS_ENDPOINT_URL overrides the endpoint.

    Parameters
    ----------
    checks_calls
        If true, botocore validates the parameters of each call, which takes about 10% of the processor time of a call.
        If false, `write_batches_fast` is applied to a DynamoDB client, too.
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
    """Replace botocore's encoding of batch writes in a DynamoDB client with a faster one.

    The encoding does not validate parameters, so it is only for clients without checks of calls.
    """
    dynamodb.meta.events.register("provide-client-params.dynamodb.BatchWriteItem", _encode_batch)
    dynamodb.meta.events.register("before-call.dynamodb.BatchWriteItem", _send_batch)


def _encode_batch(*, params: dict[str, Any], context: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Store the encoded body; return the request with one write per table, which suffices to resolve the endpoint."""
    context[_BODY] = orjson.dumps(params, default=_base64)
    return params | {"RequestItems": {table: writes[:1] for table, writes in params["RequestItems"].items()}}


def _base64(binary: bytes) -> str:
    return base64.b64encode(binary).decode()


def _send_batch(*, params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
    params["body"] = context.pop(_BODY)


def _parse_items(*, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any) -> None:
    """Parse the items of a query or a scan about 20 times faster than botocore. Binary attributes stay in base64."""
    if response_dict["status_code"] == 200:
        customized_response_dict.update(orjson.loads(response_dict["body"]))
        response_dict["body"] = b"{}"


@cache
def session() -> Session:
    """Return the process's botocore session."""
    return session_with(DESCRIPTIONS)


def session_with(*descriptions: str) -> Session:
    """Return a botocore session with a faster loader that searches the given folders of descriptions first."""
    made = get_session()
    made.register_component("data_loader", _Descriptions(list(descriptions), file_loader=_Files()))
    return made


class _Descriptions(Loader):  # type: ignore[misc]
    """A faster loader of botocore's service descriptions."""

    def list_available_services(self, type_name: str) -> list[str]:
        """Return the names of all folders, without botocore's check of the content of about 400 folders."""
        return [name for path in self.search_paths if os.path.isdir(path) for name in os.listdir(path)]  # noqa: PTH112, PTH208

    def is_builtin_path(self, path: str) -> bool:
        """Return true for botocore's files and for `descriptions/`, so that endpoint rule sets are found."""
        return path.startswith(DESCRIPTIONS) or bool(super().is_builtin_path(path))


class _Files(JSONFileLoader):  # type: ignore[misc]
    """A reader of JSON files, several times faster than botocore's reader."""

    def load_file(self, file_path: str) -> Any:
        """Return the parsed JSON of a file, given its path without suffix; None without such a file."""
        for path, opened in ((f"{file_path}.json", open), (f"{file_path}.json.gz", gzip.open)):
            if os.path.isfile(path):  # noqa: PTH113
                with opened(path, "rb") as file:
                    return orjson.loads(file.read())
        return None
