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


@pytest.mark.parametrize("content", ["bad", None], ids=["overwritten", "deleted"])
def test_overwritten_or_deleted_object_is_restored_to_its_older_version(content):
    history = History()
    history.put("lake/a", second=1, content="good")
    history.put("lake/a", second=5, content=content)

    assert found(history, second=4) == {"lake/a": ("restore", "lake/a=good@1")}
    assert found(history, second=5) == {}


@pytest.mark.parametrize(("keep_newer", "expected"), [(False, {"lake/new": ("remove", None)}), (True, {})])
def test_newer_object_is_removed_unless_kept(keep_newer, expected):
    history = History()
    history.put("lake/new", second=7, content="later")

    assert found(history, second=4, keep_newer=keep_newer) == expected


def test_object_deleted_at_the_time_is_removed():
    history = History()
    history.put("lake/a", second=1, content="one")
    history.put("lake/a", second=2, content=None)
    history.put("lake/a", second=6, content="two")

    assert found(history, second=4) == {"lake/a": ("remove", None)}
    assert found(history, second=4, keep_newer=True) == {}


def test_other_prefixes_are_not_changed():
    history = History()
    history.put("privacy/tombstones.json", second=7, content="erased")

    assert found(history, second=4) == {}


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
