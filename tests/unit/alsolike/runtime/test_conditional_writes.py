import pytest

from alsolike.runtime.errors import ConcurrentUpdate
from alsolike.runtime.s3 import S3Object
from tests.fakes.places import BUCKET


class LostResponses:
    """S3 client whose first response to each write is lost, so that botocore repeats the write."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return getattr(self._client, name)

    def put_object(self, **request):
        self._client.put_object(**request)
        return self._client.put_object(**request)


def put(client, body, etag=None):
    return S3Object(client, BUCKET, "a").replace(body, etag=etag)


def test_object_with_the_read_etag_is_replaced(s3):
    first = put(s3, b"1")
    second = put(s3, b"2", first)

    stored = s3.get_object(Bucket=BUCKET, Key="a")
    assert (stored["Body"].read(), stored["ETag"], stored["ContentType"]) == (b"2", second, "application/json")


@pytest.mark.parametrize("etag", [None, '"0"'])
def test_object_of_another_process_is_not_replaced(s3, etag):
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"theirs")

    with pytest.raises(ConcurrentUpdate, match="s3://artefacts/a changed meanwhile; look again"):
        put(s3, b"ours", etag)

    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"theirs"


def test_object_deleted_after_the_read_is_not_recreated(s3):
    first = put(s3, b"1")
    s3.delete_object(Bucket=BUCKET, Key="a")

    with pytest.raises(ConcurrentUpdate):
        put(s3, b"2", first)


def test_write_with_a_lost_response_succeeds(s3):
    deaf = LostResponses(s3)

    first = put(deaf, b"1")
    second = put(deaf, b"2", first)

    assert s3.get_object(Bucket=BUCKET, Key="a")["ETag"] == second
