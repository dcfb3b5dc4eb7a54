"""Files of a job: the input with users or segments, and the output.

An input line of a batch inference job is `{"userId": ...}`. Its output line has `input` with the user, `output` with
the recommendations, and `error`.
"""

from __future__ import annotations

import io
import itertools
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import pyarrow.parquet as pq

from alsolike.recommendations.batch_table import failed_key, part_key, users_key
from alsolike.recommendations.segments import lines_key
from alsolike.runtime.aws_errors import MISSING, translate_aws_errors
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import S3Object
from alsolike.schema import validation
from functions.exchange_batch import segments

USERS_OF_A_BATCH = 500
SUFFIX = ".out"
_SCHEME = "s3://"


def read_users(s3: S3Client, bucket: str, *, run: str, source: str) -> int:
    """Store the users of a file in batches, and return their number."""
    lines = enumerate(_lines(s3, source), start=1)
    total = _store(s3, bucket, run, (_user(line, f"{source}, line {number}") for number, line in lines))
    if not total:
        raise InvalidInput(f"{source} has no users, expected a line of JSON per user")
    return total


def read_segments(s3: S3Client, bucket: str, *, run: str, source: str, size: int, is_pseudonymised: bool) -> int:
    """Store the segments of a file, and the users to score in batches. Return the number of users.

    Users that the caller has stored are scored, otherwise all users with interactions in the champion's dataset. If
    `is_pseudonymised` is true, the caller must have stored users, because the dataset contains hashes.
    """
    segments.store_lines(s3, bucket, run=run, lines=_lines(s3, source), source=source, size=size)
    if stored := list(_batches(s3, bucket, run)):
        return sum(len(orjson.loads(_read(s3, bucket, users_key(run, batch)) or b"[]")) for batch in stored)
    if is_pseudonymised:
        raise InvalidInput(
            "the deployment stores hashes of user IDs (pseudonymise_ids), expected users: pass the shop's IDs with "
            "`alsolike segments --users FILE`"
        )
    total = _store(s3, bucket, run, segments.users_of_dataset(s3, bucket))
    if not total:
        raise InvalidInput("the dataset of the current model has no users, expected interactions with user IDs")
    return total


def write_lines(s3: S3Client, bucket: str, *, run: str, source: str, output: str) -> int:
    """Write one line per user below `output`, in the order of the source, and return the number of users."""

    def write(file: BinaryIO) -> int:
        return sum(_write_batch(s3, bucket, run, batch, file) for batch in _batches(s3, bucket, run))

    return _deliver(s3, source, output, write)


def write_segments(
    s3: S3Client, bucket: str, *, run: str, source: str, output: str, size: int, erased: Callable[[str], bool]
) -> int:
    """Write one line per segment below `output`, in the order of the source, and return the number of users."""
    lines = orjson.loads(_read(s3, bucket, lines_key(run)) or b"[]")
    parts = (_read(s3, bucket, part_key(run, batch)) or b"" for batch in _batches(s3, bucket, run))
    return _deliver(
        s3, source, output, lambda file: segments.write_segments(parts, lines, file, size=size, erased=erased)
    )


def _deliver(s3: S3Client, source: str, output: str, write: Callable[[BinaryIO], int]) -> int:
    target, _, prefix = output.removeprefix(_SCHEME).partition("/")
    name = f"{source.rpartition('/')[2]}{SUFFIX}"
    key = f"{prefix.rstrip('/')}/{name}" if prefix.strip("/") else name
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "lines")
        with path.open("wb") as file:
            total = write(file)
        with path.open("rb") as lines, translate_aws_errors(f"s3://{target}/{key}"):
            s3.put_object(Bucket=target, Key=key, Body=lines)
    return total


def _lines(s3: S3Client, source: str) -> Iterator[bytes]:
    bucket, _, key = source.removeprefix(_SCHEME).partition("/")
    try:
        with translate_aws_errors(source):
            body = s3.get_object(Bucket=bucket, Key=key)["Body"]
            yield from (line for line in body.iter_lines() if line.strip())
    except Unavailable as error:
        if error.code in MISSING:
            raise InvalidInput(f"{source} does not exist") from error
        raise


def _user(line: bytes, place: str) -> str:
    try:
        user = orjson.loads(line)["userId"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        shown = validation.describe(line.decode(errors="replace"))
        raise InvalidInput(f'{place} is {shown}, expected JSON like {{"userId": "42"}}') from error
    return str(user)


def _store(s3: S3Client, bucket: str, run: str, users: Iterator[str]) -> int:
    total = 0
    chunks = iter(lambda: list(itertools.islice(users, USERS_OF_A_BATCH)), [])
    for batch, chunk in enumerate(chunks):
        S3Object(s3, bucket, users_key(run, f"{batch:06d}")).write(orjson.dumps(chunk))
        total += len(chunk)
    return total


def _batches(s3: S3Client, bucket: str, run: str) -> Iterator[str]:
    prefix = users_key(run)
    with translate_aws_errors(f"bucket {bucket}"):
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                yield entry["Key"].removeprefix(prefix).removesuffix(".json")


def _write_batch(s3: S3Client, bucket: str, run: str, batch: str, file: BinaryIO) -> int:
    users: list[str] = orjson.loads(_read(s3, bucket, users_key(run, batch)) or b"[]")
    answers = _answers(_read(s3, bucket, part_key(run, batch)))
    failed = (orjson.loads(line) for line in (_read(s3, bucket, failed_key(run, batch)) or b"").splitlines())
    reasons = {entry["user_id"]: entry["reason"] for entry in failed}
    for user in users:
        output, error = answers.get(user), reasons.get(user)
        if output is None and error is None:
            output = {"recommendedItems": [], "scores": []}
        file.write(orjson.dumps({"input": {"userId": user}, "output": output, "error": error}) + b"\n")
    return len(users)


def _answers(part: bytes | None) -> Mapping[str, Mapping[str, list[Any]]]:
    answers: dict[str, dict[str, list[Any]]] = {}
    if part is None:
        return answers
    columns = pq.read_table(io.BytesIO(part), columns=["user_id", "item_id", "score"]).to_pydict()
    for user, item, score in zip(*columns.values(), strict=True):
        answer = answers.setdefault(user, {"recommendedItems": [], "scores": []})
        answer["recommendedItems"].append(item)
        answer["scores"].append(score)
    return answers


def _read(s3: S3Client, bucket: str, key: str) -> bytes | None:
    stored = S3Object(s3, bucket, key).read()
    return stored.body if stored else None
