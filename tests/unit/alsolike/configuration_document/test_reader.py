import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration_document.reader import ConfigurationReader
from alsolike.declarations.storage import CONFIGURATION_KEY
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import Polling
from operations.configuration.configuration_versions import ConfigurationStore
from tests.fakes.places import BUCKET


def apply(store, view_weight):
    document = {"format": 1, "events": {"view": {"weight": view_weight}}}
    store.apply(store.current(), document, text="", by="me", reason="", now_ms=1)


@pytest.fixture
def store(s3):
    return ConfigurationStore(s3, BUCKET)


class Counting:
    def __init__(self, client):
        self._client = client
        self.reads = 0
        self.changed = 0
        self.error: Exception | None = None

    def get_object(self, **call):
        self.reads += 1
        if self.error:
            raise self.error
        answer = self._client.get_object(**call)
        self.changed += 1
        return answer


@pytest.fixture
def counting(s3):
    return Counting(s3)


@pytest.fixture
def reader(counting):
    return ConfigurationReader(counting, BUCKET, polling=Polling(30))


def test_change_is_visible_at_the_first_call_after_the_interval(store, counting, reader):
    assert reader.current(now_ms=1_000) is DEFAULT
    apply(store, 2)

    assert reader.current(now_ms=30_999).version == 0
    assert counting.reads == 1
    assert reader.current(now_ms=31_000).version == 1
    apply(store, 3)
    assert reader.refresh(now_ms=41_000).version == 2
    reader.current(now_ms=70_999)
    assert counting.reads == 3


def test_unchanged_configuration_is_not_downloaded_again(store, counting, reader):
    apply(store, 2)
    first = reader.current(now_ms=0)

    assert reader.current(now_ms=30_000) is first
    assert (counting.reads, counting.changed) == (2, 1)


UNANSWERED = [
    EndpointConnectionError(endpoint_url="https://s3.test"),
    ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "GetObject"),
    ClientError({"Error": {"Code": "AccessDenied", "Message": ""}}, "GetObject"),
]


@pytest.mark.parametrize("error", UNANSWERED)
def test_failed_read_keeps_the_configuration_until_the_next_interval(store, counting, reader, error):
    apply(store, 2)
    reader.current(now_ms=0)
    apply(store, 3)
    counting.error = error

    assert reader.current(now_ms=30_000).version == 1
    assert reader.refresh(now_ms=31_000).version == 1
    counting.error = None
    assert reader.current(now_ms=60_999).version == 1
    assert reader.current(now_ms=61_000).version == 2


@pytest.mark.parametrize("error", UNANSWERED)
def test_reader_without_a_configuration_raises_and_retries(store, counting, reader, error):
    apply(store, 2)
    counting.error = error

    with pytest.raises(Unavailable, match="the configuration cannot be read"):
        reader.current(now_ms=0)
    counting.error = None
    assert reader.current(now_ms=1).version == 1


@pytest.mark.parametrize("pointer", [b"no JSON", b'{"versions": [1], "document": {"format": 2}}'])
def test_unreadable_configuration_keeps_the_previous_one(s3, store, reader, pointer):
    """The pointer is damaged, or a later release wrote it."""
    apply(store, 2)
    reader.current(now_ms=0)
    s3.put_object(Bucket=BUCKET, Key=CONFIGURATION_KEY, Body=pointer)

    assert reader.current(now_ms=30_000).version == 1
    with pytest.raises(Unavailable, match="the configuration cannot be read"):
        ConfigurationReader(s3, BUCKET).current(now_ms=0)


def test_unreadable_filter_does_not_prevent_reading(s3, reader):
    body = b'{"versions": [1], "document": {"format": 1, "filters": {"new": "in a language of tomorrow"}}}'
    s3.put_object(Bucket=BUCKET, Key=CONFIGURATION_KEY, Body=body)

    assert reader.current(now_ms=0).filters == {"new": "in a language of tomorrow"}
