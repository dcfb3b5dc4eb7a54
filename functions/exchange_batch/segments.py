"""Segment jobs: the lines of the input, the users to score, and the output lines with the best users."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.files import MANIFEST_FILE
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.events.interactions import USER_PREFIX
from alsolike.recommendations.segments import MAX_LINES, MAX_USERS, check_names, lines_key, output_line, parse_line
from alsolike.registry.bundle_files import checked_manifest
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import S3Object, download, listed
from alsolike.training.dataset import INTERACTIONS_FILE, prefix

_ROWS_AT_ONCE = 1_000_000
_SPARE_ROWS = 1_000
_SORTED = [("score_max", "descending"), ("user_id", "ascending")]
_COLUMNS = ["user_id", "item_id", "score"]


def store_lines(s3: S3Client, bucket: str, *, run: str, lines: Iterator[bytes], source: str, size: int) -> None:
    """Store the lines of a job as a JSON list. `size` is the number of users per segment."""
    configuration = ConfigurationReader(s3, bucket, own_names=True).current(now_ms=0)
    given = []
    for number, line in enumerate(lines, start=1):
        where = f"{source}, line {number}"
        try:
            given.append(orjson.loads(line))
        except orjson.JSONDecodeError as error:
            raise InvalidInput(f"{where} is not JSON: {error}") from error
        check_names(parse_line(given[-1], where), where, configuration)
        if number > MAX_LINES:
            raise InvalidInput(f"{source} has more than {MAX_LINES} lines, expected at most {MAX_LINES}")
    if not given:
        raise InvalidInput(f"{source} has no segments, expected a line of JSON per segment")
    if size < 1 or len(given) * size > MAX_USERS:
        expected = f"expected 1 to {MAX_USERS:,} users in all segments"
        raise InvalidInput(f"{source} has {len(given)} segments of numResults {size:,}, {expected}")
    S3Object(s3, bucket, lines_key(run)).write(orjson.dumps(given))


def users_of_dataset(s3: S3Client, bucket: str) -> Iterator[str]:
    """Yield the users with interactions in the champion's dataset, each once.

    Memory holds one chunk of rows and a hash per user. Raise `InvalidInput` if there is no champion, or its dataset has
    been deleted, and `InvalidBundle` if the champion's manifest is unreadable.
    """
    champion = Registry(s3, bucket).champion()
    if champion is None:
        raise InvalidInput("there is no model yet, expected a champion: train one")
    content = S3Object(s3, bucket, f"{model_prefix(champion.version)}{MANIFEST_FILE}").read()
    dataset_id = checked_manifest(b"" if content is None else content.body, champion.version).dataset_id
    keys = [entry.key for entry in listed(s3, bucket, f"{prefix(dataset_id)}{INTERACTIONS_FILE}")]
    if not keys:
        raise InvalidInput(
            f"the dataset {dataset_id} of the model {champion.version} was deleted, expected an existing "
            "dataset: train again, or pass users"
        )
    known = np.zeros(0, np.uint64)
    for key in keys:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "interactions.parquet")
            download(s3, bucket, key, path)
            for rows in pq.ParquetFile(path).iter_batches(_ROWS_AT_ONCE, columns=["profile_id"]):
                profiles = [name for name in pc.unique(rows["profile_id"]).to_pylist() if name.startswith(USER_PREFIX)]
                hashes = hashes_of([profile.encode() for profile in profiles])
                new = np.flatnonzero(~np.isin(hashes, known))
                known = np.concatenate([known, hashes[new]])
                yield from (profiles[place].removeprefix(USER_PREFIX) for place in new.tolist())


def write_segments(
    parts: Iterator[bytes],
    given: Sequence[Any],
    file: BinaryIO,
    *,
    size: int,
    erased: Callable[[str], bool],
) -> int:
    """Write an output line per line of the job. Return the number of users in all segments.

    `parts` are Parquet files with the scores of all batches of users. `given` are lines that `store_lines` stored.
    """
    best = [_Best(size) for _ in given]
    for part in parts:
        scores = pq.read_table(pa.BufferReader(part), columns=_COLUMNS)
        for line in pc.unique(scores["item_id"]).to_pylist():
            best[int(line)].add(scores.filter(pc.equal(scores["item_id"], line)).select(["user_id", "score"]))
    total = 0
    for number, (line, ranked_users) in enumerate(zip(given, best, strict=True), start=1):
        users = [user for user in ranked_users.users() if not erased(user)]
        file.write(output_line(parse_line(line, f"line {number}"), users))
        total += len(users)
    return total


class _Best:
    """The `size` users with the best scores for one line."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rows: list[pa.Table] = []
        self._count = 0

    def add(self, rows: pa.Table) -> None:
        self._rows.append(rows)
        self._count += len(rows)
        if self._count > 2 * self._size + _SPARE_ROWS:
            self._reduce()

    def users(self) -> list[str]:
        """Return the users, best first. Users with equal scores are sorted by ID."""
        if not self._rows:
            return []
        self._reduce()
        users: list[str] = self._rows[0]["user_id"].to_pylist()
        return users

    def _reduce(self) -> None:
        # A list of users may contain a user repeatedly.
        rows = pa.concat_tables(self._rows).group_by("user_id").aggregate([("score", "max")])
        best = rows.take(pc.select_k_unstable(rows, self._size, _SORTED))
        self._rows = [best.rename_columns({"score_max": "score"}).combine_chunks()]
        self._count = len(self._rows[0])
