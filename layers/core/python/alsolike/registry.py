"""The registry's pointer: which model version is champion. Serving watches this one object.

Promotion and rollback write the pointer and nothing else, on condition that nobody wrote it since it was read.
The metrics and lineage of each version are in the SageMaker Model Registry; its files under `models/<version>/`.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
from botocore.exceptions import BotoCoreError, ClientError

from alsolike.errors import ConcurrentUpdate, InvalidBundle, NotFound, Unavailable

MODELS_PREFIX = "models/"
CHAMPION_KEY = "registry/champion.json"
MAX_HISTORY = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Promotion:
    """One version becoming champion."""

    version: str
    promoted_ms: int
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class Champion:
    """The pointer.

    Attributes
    ----------
    history
        Promotions, the latest first; its first is the champion.
    etag
        Of the stored object; what a conditional write compares.
    """

    history: tuple[Promotion, ...]
    etag: str

    @property
    def version(self) -> str:
        """The version that serves."""
        return self.history[0].version

    @property
    def previous(self) -> str | None:
        """The version that served before this one, if any."""
        return next((promotion.version for promotion in self.history if promotion.version != self.version), None)


def model_prefix(version: str) -> str:
    """Return the key prefix of a model bundle in the artefact bucket."""
    return f"{MODELS_PREFIX}{version}/"


class Registry:
    """The pointer of one deployment.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The artefact bucket.
    """

    def __init__(self, client: Any, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def champion(self) -> Champion | None:
        """Return the champion, or None before the first promotion.

        Raises
        ------
        Unavailable
            If S3 does not answer.
        InvalidBundle
            If the pointer is unreadable.
        """
        try:
            answer = self._client.get_object(Bucket=self._bucket, Key=CHAMPION_KEY)
            body = answer["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise Unavailable(f"s3://{self._bucket}/{CHAMPION_KEY}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{self._bucket}/{CHAMPION_KEY}: {error}") from error
        try:
            document = orjson.loads(body)
            history = tuple(Promotion(**promotion) for promotion in document["history"])
            return Champion(history, answer["ETag"]) if history else None
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise InvalidBundle(f"s3://{self._bucket}/{CHAMPION_KEY} is unreadable: {error}") from error

    def promote(self, version: str, *, reason: str, now_ms: int) -> Champion:
        """Make a version champion; a version that already is stays so without a new entry.

        Raises
        ------
        NotFound
            If the version has no complete bundle.
        ConcurrentUpdate
            If somebody else promoted at the same time.
        """
        current = self.champion()
        if current is not None and current.version == version:
            return current
        self._check_exists(version)
        history = (Promotion(version, now_ms, reason), *(current.history if current else ()))[:MAX_HISTORY]
        condition = {"IfMatch": current.etag} if current else {"IfNoneMatch": "*"}
        try:
            answer = self._client.put_object(
                Bucket=self._bucket,
                Key=CHAMPION_KEY,
                Body=orjson.dumps({"history": history}, option=orjson.OPT_INDENT_2),
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
                raise ConcurrentUpdate(f"the champion changed while {version} was promoted; look again") from error
            raise Unavailable(f"s3://{self._bucket}/{CHAMPION_KEY}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{self._bucket}/{CHAMPION_KEY}: {error}") from error
        return Champion(history, answer["ETag"])

    def roll_back(self, *, reason: str, now_ms: int) -> Champion:
        """Make the version champion that was it before this one.

        Raises
        ------
        NotFound
            If there is no earlier version.
        """
        current = self.champion()
        if current is None or current.previous is None:
            raise NotFound("there is no earlier champion to roll back to")
        return self.promote(current.previous, reason=reason, now_ms=now_ms)

    def _check_exists(self, version: str) -> None:
        key = f"{model_prefix(version)}manifest.json"
        try:
            self._client.head_object(Bucket=self._bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise NotFound(f"model version {version!r} has no bundle at s3://{self._bucket}/{key}") from error
            raise Unavailable(f"s3://{self._bucket}/{key}: {error}") from error
        except BotoCoreError as error:
            raise Unavailable(f"s3://{self._bucket}/{key}: {error}") from error
