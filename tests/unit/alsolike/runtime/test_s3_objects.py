import pytest
from botocore.exceptions import EndpointConnectionError, ReadTimeoutError

from alsolike.runtime.errors import ConcurrentUpdate, Unavailable
from alsolike.runtime.s3 import UNCHANGED, Content, S3Object, delete_objects, folders, listed
from tests.fakes.places import BUCKET


def test_object_is_created_read_and_deleted_by_its_etag(s3):
    stored = S3Object(s3, BUCKET, "a")
    assert (stored.read(), stored.etag(), stored.read_if_changed(None)) == (None, None, None)

    assert stored.create(b"1")
    assert not stored.create(b"2")

    content = stored.read()
    assert content == Content(b"1", str(stored.etag()))
    assert stored.read_if_changed(content.etag) is UNCHANGED
    assert stored.read_if_changed('"0"') == stored.read_if_unchanged(content.etag) == content
    assert stored.read_if_unchanged('"0"') is None
    assert stored.delete(etag=content.etag)
    assert stored.read_if_changed(content.etag) is None
    assert stored.read_if_unchanged(content.etag) is None


def test_update_is_repeated_after_a_concurrent_write(s3):
    stored = S3Object(s3, BUCKET, "a")
    read: list[bytes | None] = []

    def append(content):
        read.append(content.body if content else None)
        if len(read) == 1:
            stored.write(b"theirs,")
        return "appended", (content.body if content else b"") + b"ours"

    assert stored.update(append, attempts=2) == "appended"

    assert read == [None, b"theirs,"]
    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"theirs,ours"


def test_update_with_repeated_conflicts_fails(s3):
    stored = S3Object(s3, BUCKET, "a")
    writes = iter((b"1", b"2"))

    def lose(content):
        stored.write(next(writes))
        return None, b"ours"

    with pytest.raises(ConcurrentUpdate, match="s3://artefacts/a changed 2 times while it was updated"):
        stored.update(lose, attempts=2)


def test_missing_bucket_raises_unavailable(s3):
    stored = S3Object(s3, "other", "a")

    for call in (stored.read, lambda: stored.create(b"1")):
        with pytest.raises(Unavailable, match=r"s3://other/a: .*NoSuchBucket"):
            call()


def test_unreachable_store_and_interrupted_body_raise_unavailable(s3, monkeypatch):
    stored = S3Object(s3, BUCKET, "a")

    def silent(**_):
        raise EndpointConnectionError(endpoint_url="https://s3.test")

    class Body:
        def read(self):
            raise ReadTimeoutError(endpoint_url="https://s3.test")

    calls = {"head_object": stored.etag, "get_object": stored.read, "put_object": lambda: stored.write(b"1")}
    for name, call in calls.items():
        monkeypatch.setattr(s3, name, silent)
        with pytest.raises(Unavailable, match="Could not connect"):
            call()
    monkeypatch.setattr(s3, "get_object", lambda **_: {"Body": Body(), "ETag": "x"})
    with pytest.raises(Unavailable, match="Read timeout"):
        stored.read()


def test_objects_of_a_prefix_are_listed_with_sizes_and_deleted(s3):
    for key in ("x/1/a", "x/1/b", "x/2/a", "y"):
        S3Object(s3, BUCKET, key).write(b"pear")

    assert folders(s3, BUCKET, "x/") == ["x/1/", "x/2/"]
    assert [(entry.key, entry.size_bytes) for entry in listed(s3, BUCKET, "x/1/")] == [("x/1/a", 4), ("x/1/b", 4)]

    delete_objects(s3, BUCKET, ["x/1/a", "x/1/b", "x/2/a", "absent"])

    assert [entry.key for entry in listed(s3, BUCKET, "")] == ["y"]
