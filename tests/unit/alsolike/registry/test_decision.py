import pytest

from alsolike.registry.decision import LATEST_EVENT, Check, Decision, Decisions, decision_key
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle, InvalidInput, NotFound
from tests.fakes.places import BUCKET

GOOD = Check("parity", True, "64 histories", {"histories": 64})
BAD = Check("coverage", False, "0.1%, at least 1%", {"percent": 0.1})
TOO_LARGE = Check("bundle size", False, "900 MB, serving has room for 150 MB", final=True)


def decision(*checks, version="v2"):
    return Decision(version=version, decided_ms=1, champion="v1", checks=checks)


@pytest.fixture
def decisions(s3):
    return Decisions(s3, BUCKET)


def test_decision_is_unchanged_after_write_and_read(decisions):
    kept = decisions.keep(decision(GOOD, TOO_LARGE))

    assert decisions.get("v2") == kept == decision(GOOD, TOO_LARGE)
    assert (kept.passed, kept.verdict) == (False, "rejected")


def test_first_decision_on_a_version_is_kept(decisions):
    first = decisions.keep(decision(GOOD))

    assert decisions.keep(decision(BAD)) == first
    assert decisions.get("v2") == first


def test_version_without_a_decision_gives_none(decisions):
    assert decisions.get("v9") is None


def test_decision_of_an_earlier_version_is_readable(s3, decisions):
    document = (
        b'{"version": "v2", "decided_ms": 1, "champion": null, "forced": null, "verdict": "approved",'
        b' "checks": [{"name": "parity", "passed": true, "figures": "fine"}]}'
    )
    s3.put_object(Bucket=BUCKET, Key=decision_key("v2"), Body=document)

    assert not decisions.get("v2").checks[0].final


def test_forced_decision_keeps_the_verdict_and_the_reason(decisions):
    decisions.keep(decision(GOOD, BAD))

    forced = decisions.force("v2", reason="  the catalogue is new  ")

    assert (forced.forced, forced.verdict, forced.passed) == ("the catalogue is new", "rejected", False)
    assert decisions.get("v2") == forced
    assert [check.passed for check in forced.checks] == [True, False]


def test_approved_version_is_not_marked_as_forced(decisions):
    decisions.keep(decision(GOOD))

    assert decisions.force("v2", reason="to be sure").forced is None


def test_blank_reason_is_refused(decisions):
    decisions.keep(decision(BAD))

    with pytest.raises(InvalidInput, match="the reason is ' ', expected a text for the history"):
        decisions.force("v2", reason=" ")


def test_unservable_version_cannot_be_forced(decisions):
    decisions.keep(decision(BAD, TOO_LARGE))

    with pytest.raises(InvalidInput, match="'v2' cannot be served or forced: failed: bundle size: 900 MB"):
        decisions.force("v2", reason="we want it")


def test_version_without_a_decision_cannot_be_forced(decisions):
    with pytest.raises(NotFound, match="no decision on model version 'v9'"):
        decisions.force("v9", reason="we want it")


def test_concurrently_changed_decision_is_not_overwritten(s3, decisions, monkeypatch):
    decisions.keep(decision(BAD))
    read = s3.get_object

    def concurrent_write(**arguments):
        answer = read(**arguments)
        s3.put_object(Bucket=BUCKET, Key=decision_key("v2"), Body=decision(BAD, BAD).to_json())
        return answer

    monkeypatch.setattr(s3, "get_object", concurrent_write)

    with pytest.raises(ConcurrentUpdate, match=r"registry/decisions/v2\.json changed meanwhile"):
        decisions.force("v2", reason="we want it")


def test_unreadable_decision_is_refused(s3, decisions):
    s3.put_object(Bucket=BUCKET, Key=decision_key("v2"), Body=b"{")

    with pytest.raises(InvalidBundle, match="the decision is unreadable"):
        decisions.get("v2")


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([{"last_event_ms": 7, "champion_last_event_ms": 7}], "v1"),
        ([{"last_event_ms": 6, "champion_last_event_ms": 7}], "v1"),
        ([{"last_event_ms": 8, "champion_last_event_ms": 7}], None),
        ([{"last_event_ms": 7}], None),
        ([{}], None),
        ([], None),
    ],
)
def test_champion_with_the_same_latest_event_has_the_same_data(checks, expected):
    latest_event = [Check(LATEST_EVENT, True, "", figures) for figures in checks]

    assert decision(BAD, *latest_event).champion_of_same_data == expected
