import pytest

from alsolike.runtime.polling import Polling
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.store import SnapshotStore
from tests.fakes.places import BUCKET


@pytest.fixture
def publisher(s3, tmp_path):
    return SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "publisher"), young_rows=4)


@pytest.fixture
def reader(s3, tmp_path):
    return SnapshotReader(s3, BUCKET, tmp_path / "reader", polling=Polling(0))
