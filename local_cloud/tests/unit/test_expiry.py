"""Lifecycle rules, which decide the object versions to delete."""

from datetime import UTC, datetime, timedelta

import pytest

from local_cloud.expiry import expired_versions

NOW = datetime(2026, 12, 31, 12, 0, tzinfo=UTC)
CURRENT = {"Filter": {"Prefix": ""}, "Expiration": {"Days": 30}}
NONCURRENT = {"Filter": {"Prefix": ""}, "NoncurrentVersionExpiration": {"NoncurrentDays": 30}}


def version(days, number=1, *, key="k", latest=True):
    return marker(days, number, key=key, latest=latest) | {"ETag": "e"}


def marker(days, number=1, *, key="k", latest=True):
    return {
        "Key": key, "VersionId": f"v{number}", "IsLatest": latest, "LastModified": NOW - timedelta(days=days)
    }  # fmt: skip


def expired(listed, *rules):
    return [
        f"{each['Key']} {each.get('VersionId', 'marker')}"
        for each in expired_versions(list(listed), list(rules), now=NOW)
    ]


@pytest.mark.parametrize(
    ("days", "is_deleted"),
    [(29, False), (30, False), (30.4, False), (30.5, True), (31, True), (90, True)],
)
def test_object_expires_at_the_midnight_after_its_days(days, is_deleted):
    assert expired([version(days)], CURRENT) == ["k marker"] * is_deleted
    assert expired([version(days) | {"VersionId": "null"}], CURRENT) == ["k null"] * is_deleted


@pytest.mark.parametrize(("date", "is_deleted"), [(NOW, True), (NOW + timedelta(days=1), False)])
def test_object_expires_at_a_date(date, is_deleted):
    rule = {"Filter": {"Prefix": ""}, "Expiration": {"Date": date}}

    assert expired([version(1)], rule) == ["k marker"] * is_deleted


def test_version_expires_after_its_replacement():
    listed = [version(1, 4), version(29, 3, latest=False), version(31, 2, latest=False), version(90, 1, latest=False)]

    assert expired(listed, NONCURRENT) == ["k v1"]
    assert expired([marker(31, 2), version(90, 1, latest=False)], NONCURRENT) == ["k v1"]
    assert expired([version(31, 2)], NONCURRENT) == []


def test_shortest_rule_of_a_prefix_applies():
    derived = {"Filter": {"Prefix": "derived/"}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1}}
    listed = [
        each
        for key in ("derived/a", "raw/a")
        for each in (version(2, 2, key=key), version(3, 1, key=key, latest=False))
    ]

    assert expired(listed, NONCURRENT, derived) == ["derived/a v1"]


def test_marker_without_versions_is_deleted():
    rule = {"Filter": {"Prefix": ""}, "Expiration": {"ExpiredObjectDeleteMarker": True}}

    assert expired([marker(1)], rule) == ["k v1"]
    assert expired([marker(1, 2), version(2, 1, latest=False)], rule) == []
    assert expired([marker(31)], CURRENT) == ["k v1"]


@pytest.mark.parametrize("found", [{"Tag": {"Key": "a", "Value": "b"}}, {"And": {"Prefix": "", "Tags": []}}])
def test_rules_with_other_filters_are_ignored(found):
    assert expired([version(90)], CURRENT | {"Filter": found}) == []


@pytest.mark.parametrize("rule", [{"Prefix": "k"}, {"Filter": {"Prefix": "k"}}, {"Filter": {}}, {}])
def test_prefix_of_a_rule_may_be_in_or_outside_of_its_filter(rule):
    assert expired([version(90)], {"Expiration": {"Days": 1}, **rule}) == ["k marker"]
