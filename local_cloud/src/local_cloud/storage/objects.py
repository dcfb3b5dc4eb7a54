"""Objects of S3 on disk: an entry for each key with all its versions, and a separate content for each version.

Stored contents are removed from memory. `FakeKey.value` then reads them from the journal.
"""

import hashlib
import io
import pickle
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

from moto.s3.models import FakeKey, S3Backend

from local_cloud.storage.journal import Journal

_OF_THE_PROCESS: Final = ("_value_buffer", "lock", "multipart")


class Objects:
    def __init__(self, backend: S3Backend, journal: Journal) -> None:
        self._backend = backend
        self._journal = journal
        self._contents: dict[tuple[str, str], set[str]] = {}

    def write(self, bucket_name: str, key: str) -> list[Any]:
        """Write all versions of a key, or delete its entry if it has none.

        Return the versions whose contents are new in the journal.
        """
        new: list[Any] = []
        with self._journal.locked():
            bucket: Any = self._backend.buckets.get(bucket_name)
            versions = list(bucket.keys.getlist(key, [])) if bucket is not None else []
            before = self._contents.pop((bucket_name, key), set())
            if versions:
                data, contents = self._dump(versions, new)
                self._contents[bucket_name, key] = contents
                self._journal.put("object", bucket_name, key, data)
            else:
                contents = set()
                self._journal.delete("object", bucket_name, key)
            for content_id in before - contents:
                self._journal.delete_content(content_id)
        return new

    def content(self, version: Any) -> bytes:
        """Return the content of a version that `release` has removed from memory."""
        return self._journal.content(version.stored_content)

    def restore(self, check: Callable[[Any], None] = lambda versions: None) -> None:
        """Add the objects of the journal to existing buckets. `check` receives the versions of each key."""
        for bucket_name, key, data in list(self._journal.read("object")):
            bucket: Any = self._backend.buckets.get(bucket_name)
            if bucket is None:
                continue
            versions = pickle.loads(data)  # noqa: S301  written by this program
            check(versions)
            contents = set()
            for version in _stored(versions):
                release(version)
                if version._etag is None:  # data of an earlier version
                    version._etag = hashlib.md5(self.content(version), usedforsecurity=False).hexdigest()
                contents.add(version.stored_content)
                if version.stored_tags:
                    self._backend.tagger.tag_resource(version.arn, version.stored_tags)
            self._contents[bucket_name, key] = contents
            dict.__setitem__(bucket.keys, key, versions)

    def _dump(self, versions: list[Any], new: list[Any]) -> tuple[bytes, set[str]]:
        contents = set()
        for version in _stored(versions):
            if not hasattr(version, "stored_content"):
                version.stored_content = uuid.uuid4().hex
                self._journal.put_content(version.stored_content, version.value)
                version.etag  # noqa: B018  calculates it from the content
                new.append(version)
            contents.add(version.stored_content)
            version.stored_tags = self._backend.tagger.list_tags_for_resource(version.arn)["Tags"]
        buffer = io.BytesIO()
        _Pickler(buffer, protocol=5).dump(versions)
        return buffer.getvalue(), contents


def release(version: Any) -> None:
    buffer, version._value_buffer, version.multipart = version._value_buffer, None, None
    if buffer is not None:
        buffer.close()


class _Pickler(pickle.Pickler):
    def reducer_override(self, value: Any) -> Any:
        if isinstance(value, FakeKey):
            return _key, ({name: state for name, state in vars(value).items() if name not in _OF_THE_PROCESS},)
        return NotImplemented


def _key(state: dict[str, Any]) -> Any:
    """Return an object without its content, which is stored separately."""
    key: Any = FakeKey.__new__(FakeKey)
    key.__setstate__(state | {"value": b"", "multipart": None})
    key._etag, key.contentsize = state["_etag"], state["contentsize"]
    return key


def _stored(versions: list[Any]) -> Iterator[Any]:
    """Yield the versions that have content. Delete markers have none."""
    return (version for version in versions if isinstance(version, FakeKey))
