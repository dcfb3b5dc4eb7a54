"""Restoration of objects in a versioned bucket to an earlier time."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from operations import object_versions

START = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)


class History:
    """Handwritten listing of versions, because neither moto nor S3 lets a test set the times of versions."""

    def __init__(self, page_size=1000):
        self._versions: list[dict[str, Any]] = []
        self._page_size = page_size

    def put(self, key, *, second, content):
        """Write an object at a time in seconds. None as content deletes the object."""
        for version in self._versions:
            if version["Key"] == key:
                version["IsLatest"] = False
        entry = {
            "Key": key,
            "VersionId": f"{key}={content}@{second}",
            "LastModified": START + dt.timedelta(seconds=second),
            "IsLatest": True,
        }
        self._versions.append(entry | ({} if content is None else {"Size": len(content)}))

    def get_paginator(self, operation):
        assert operation == "list_object_versions"
        return self

    def paginate(self, *, Bucket, Prefix):  # noqa: N803
        latest_first = list(reversed(self._versions))
        entries = sorted((entry for entry in latest_first if entry["Key"].startswith(Prefix)), key=lambda e: e["Key"])
        for first in range(0, len(entries), self._page_size):
            page = entries[first : first + self._page_size]
            yield {
                "Versions": [entry for entry in page if "Size" in entry],
                "DeleteMarkers": [entry for entry in page if "Size" not in entry],
            }


def found(history, *, second, keep_newer=False):
    to = START + dt.timedelta(seconds=second)
    listed = object_versions.changes(history, "bucket", "lake/", to=to, keep_newer=keep_newer)
    return {change.key: (change.action, change.version_id) for change in listed}


@pytest.mark.parametrize(
    ("writes", "expected", "expected_with_newer"),
    [
        ([("lake/a", 1, "good"), ("lake/a", 5, "bad")], {"lake/a": ("restore", "lake/a=good@1")}, None),
        ([("lake/a", 1, "good"), ("lake/a", 5, None)], {"lake/a": ("restore", "lake/a=good@1")}, None),
        ([("lake/a", 7, "later")], {"lake/a": ("remove", None)}, {}),
        ([("lake/a", 1, "one"), ("lake/a", 2, None), ("lake/a", 6, "two")], {"lake/a": ("remove", None)}, {}),
        ([("privacy/tombstones.json", 7, "erased")], {}, {}),
    ],
    ids=["overwritten", "deleted", "newer", "deleted at the time", "other prefix"],
)
def test_only_objects_of_the_prefix_are_restored_to_the_time(writes, expected, expected_with_newer):
    history = History()
    for key, second, content in writes:
        history.put(key, second=second, content=content)

    assert found(history, second=4) == expected
    if expected_with_newer is not None:
        assert found(history, second=4, keep_newer=True) == expected_with_newer


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    writes=st.lists(
        st.tuples(st.sampled_from(["lake/a", "lake/a/b", "lake/é", "lake/😀"]), st.sampled_from(["x", "yy", None])),
        max_size=12,
    ),
    second=st.integers(0, 13),
    page_size=st.integers(1, 4),
)
def test_any_history_is_restored_exactly(writes, second, page_size):
    history = History(page_size)
    then: dict[str, str] = {}
    now: dict[str, str] = {}
    for at, (key, content) in enumerate(writes, start=1):
        history.put(key, second=at, content=content)
        for state in [then, now] if at <= second else [now]:
            state.pop(key, None)
            if content is not None:
                state[key] = f"{key}={content}@{at}"

    for key, (action, version_id) in found(history, second=second).items():
        if action == "remove":
            del now[key]
        else:
            assert version_id is not None
            now[key] = version_id

    assert now == then
