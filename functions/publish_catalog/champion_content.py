"""Content index of the champion, for the publisher of the catalogue."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from alsolike.bundle.files import CONTENT_FILE
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, Unavailable
from alsolike.runtime.s3 import S3Object, download
from alsolike.snapshot.content_index import ContentIndex


@dataclasses.dataclass(frozen=True, slots=True)
class ChampionContent:
    version: str
    index: ContentIndex


class ChampionContents:
    """Content index of the current champion.

    An index that cannot be opened is not fetched again until the champion or the index changes. Only this process uses
    the directory.
    """

    def __init__(self, client: S3Client, bucket: str, directory: Path) -> None:
        self._client = client
        self._bucket = bucket
        self._directory = directory
        self._registry = Registry(client, bucket)
        self._content: ChampionContent | None = None
        self._unusable: dict[tuple[str, str], str] = {}

    def current(self) -> ChampionContent | None:
        """Return the current champion's index, or None if there is no champion.

        Raise `InvalidBundle` if the index does not exist or cannot be opened.
        """
        champion = self._registry.champion()
        if champion is None:
            return None
        if self._content is None or self._content.version != champion.version:
            self._content = ChampionContent(champion.version, self._index(champion.version))
        return self._content

    def _index(self, version: str) -> ContentIndex:
        key, path = f"{model_prefix(version)}{CONTENT_FILE}", self._directory / CONTENT_FILE
        try:
            if (etag := S3Object(self._client, self._bucket, key).etag()) is None:
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist")
            if (reason := self._unusable.get((version, etag))) is not None:
                raise InvalidBundle(reason)
            self._directory.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            download(self._client, self._bucket, key, path)
        except Unavailable as error:
            if error.code in MISSING:
                raise InvalidBundle(f"s3://{self._bucket}/{key} does not exist") from error
            raise
        except OSError as error:
            raise Unavailable(f"s3://{self._bucket}/{key} cannot be fetched into {path}: {error}") from error
        try:
            return ContentIndex.map(path)
        except InvalidBundle as error:
            reason = f"model {version}: {error}"
            self._unusable = {(version, etag): reason}
            raise InvalidBundle(reason) from error
