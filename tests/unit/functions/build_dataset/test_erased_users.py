"""Datasets contain no erased users."""

import io

import pyarrow.parquet as pq
import pytest

from alsolike.events.stream import stream_records
from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import DatasetManifest
from functions.build_dataset import service
from functions.build_dataset.cleaning import clean
from tests.builders.lambda_events import NOW_MS, interaction, kinesis_event


def one_more_shopper():
    """Return purchases that keep pear and plum in the dataset when a user is excluded."""
    bought = [interaction(f"m{item}", user_id="user9", session_id=None, item_id=item) for item in ("pear", "plum")]
    return stream_records(kinesis_event(bought, first=90))


def profiles_in(files):
    table = pq.read_table(io.BytesIO(files["interactions.parquet"]), columns=["profile_id"])
    return set(table["profile_id"].to_pylist())


def test_erased_users_are_excluded_before_their_purge(dataset, archived, erase):
    archived(one_more_shopper())
    erase("user1")

    files = dataset()

    assert "u#user1" not in profiles_in(files)
    assert "u#user2" in profiles_in(files)
    assert DatasetManifest.from_json(files["manifest.json"]).dropped["erased_user"] == 2


def test_session_events_of_erased_user_before_login_are_excluded(dataset, archived, erase):
    session = [
        interaction("s1", user_id=None, session_id="s", item_id="pear", event_time_ms=NOW_MS - 9),
        interaction("s2", user_id="user1", session_id="s", item_id="plum", event_time_ms=NOW_MS - 8),
    ]
    archived(stream_records(kinesis_event(session, first=50)))
    archived(one_more_shopper())
    erase("user1")

    files = dataset()

    assert DatasetManifest.from_json(files["manifest.json"]).dropped["erased_user"] == 4
    assert "s#s" not in profiles_in(files)


def test_user_erased_during_the_build_fails_the_dataset(dataset, erase, aws, artefact_bucket, monkeypatch):
    def clean_then_erase(*arguments, **options):
        cleaned = clean(*arguments, **options)
        erase("user1")
        return cleaned

    monkeypatch.setattr(service, "clean", clean_then_erase)

    with pytest.raises(InvalidDataset, match="1 of the users in the dataset are erased, expected none"):
        dataset()

    written = aws("s3").list_objects_v2(Bucket=artefact_bucket, Prefix="datasets/")
    assert "Contents" not in written
