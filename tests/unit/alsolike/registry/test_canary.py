from functools import partial

import pytest

from alsolike.declarations.storage import CHAMPION_KEY
from alsolike.registry.canary import MAX_VERSION_BYTES, Canary
from alsolike.registry.canary_report import MAX_LOOKS, CanaryLook, CanaryReport, CanaryReports, report_key
from alsolike.registry.champion_pointer import EndedCanary
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.errors import InvalidBundle, InvalidInput
from tests.fakes.places import BUCKET

CANARY = Canary("v2", "v1", 0.25, 1_000, 5_000, 100, "run")
REPORT = CanaryReport("v2", "run", "v1", 0.25, 1_000, 5_000, (CanaryLook(2_000, "going", ("fine so far",), {"a": 1}),))


@pytest.fixture
def s3(s3):
    for version in ("v1", "v2"):
        s3.put_object(Bucket=BUCKET, Key=f"{model_prefix(version)}manifest.json", Body=b"{}")
    return s3


@pytest.fixture
def registry(s3):
    return Registry(s3, BUCKET)


def test_pointer_has_the_canary_until_its_end_or_a_promotion(registry):
    first = registry.promote("v1", reason="first", now_ms=1)

    tried = registry.start_canary(first, CANARY)

    assert registry.champion() == tried
    assert (tried.version, tried.canary) == ("v1", CANARY)
    assert registry.end_canary(tried, reason="a test").canary is None
    registry.start_canary(registry.promote("v1", reason="a test", now_ms=2), CANARY)
    assert registry.promote("v2", reason="a test", now_ms=3).canary is None


def test_promotion_of_the_champion_ends_the_canary_with_its_reason(registry):
    tried = registry.start_canary(registry.promote("v1", reason="first", now_ms=1), CANARY)

    ended = registry.promote("v1", reason="no trials now", now_ms=2)

    assert registry.champion() == ended
    assert (ended.canary, ended.ended) == (None, EndedCanary("v2", "run", "v1 stays champion: no trials now"))
    assert ended.history == tried.history


@pytest.mark.parametrize("reason", ["", "  "])
def test_blank_reason_is_refused(reason, registry):
    tried = registry.start_canary(registry.promote("v1", reason="first", now_ms=1), CANARY)

    for write in (
        partial(registry.promote, "v2", now_ms=2),
        partial(registry.promote, "v1", now_ms=2),
        partial(registry.end_canary, tried),
    ):
        with pytest.raises(InvalidInput, match=f"the reason is '{reason}', expected a text for the history"):
            write(reason=reason)

    assert registry.champion() == tried


def test_canary_arms_have_its_share_and_versions():
    experiment = CANARY.experiment

    assert [(arm.name, arm.share, arm.model) for arm in experiment.arms] == [
        ("champion", 0.75, None),
        ("candidate", 0.25, "v2"),
    ]
    assert CANARY.labels == ("canary-v2/champion", "canary-v2/candidate")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"version": "v" * (MAX_VERSION_BYTES + 1)}, "has a name of more than 57 bytes"),
        ({"share": 0.0}, "share is 0.0, expected above 0 and below 1"),
        ({"share": 1.0}, "share is 1.0, expected above 0 and below 1"),
        ({"version": 2}, "the version is 2, expected 1 to 128 letters"),
        # A promotion of these names would fail.
        ({"version": "v 2"}, "the version is 'v 2', expected 1 to 128 letters"),
        ({"version": "../v2"}, r"the version is '\.\./v2', expected"),
        ({"started_ms": "1"}, "started_ms is '1', expected a whole number"),
        ({"ends_ms": None}, "ends_ms is None, expected a whole number"),
        ({"planned_answers": 0.5}, "planned_answers is 0.5, expected a whole number"),
    ],
)
def test_invalid_canary_is_refused(s3, fields, message):
    values = {"version": "v2", "champion": "v1", "share": 0.1, "started_ms": 1, "ends_ms": 2, "planned_answers": 3}
    with pytest.raises(ValueError, match=message):
        Canary(**{**values, "run_id": "run", **fields})


def test_longest_version_name_fits_the_hash_key():
    longest = Canary("v" * MAX_VERSION_BYTES, "v1", 0.5, 0, 1, 1, "run")

    assert longest.experiment.arm_of("anna").name in ("champion", "candidate")


def test_pointer_with_an_invalid_canary_is_unreadable(s3, registry):
    registry.start_canary(registry.promote("v1", reason="a test", now_ms=1), CANARY)
    body = s3.get_object(Bucket=BUCKET, Key=CHAMPION_KEY)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=CHAMPION_KEY, Body=body.replace(b"0.25", b"2.5"))

    with pytest.raises(InvalidBundle, match=r"share is 2\.5"):
        registry.champion()


class TestReports:
    def test_report_is_unchanged_after_write_and_read(self, s3):
        reports = CanaryReports(s3, BUCKET)
        assert reports.read("v2") is None

        reports.write(REPORT)

        assert reports.read("v2") == REPORT
        assert (REPORT.state, REPORT.reasons) == ("going", ("fine so far",))

    def test_latest_check_decides_the_state_of_the_report(self):
        ended = REPORT.with_look(CanaryLook(3_000, "promoted", ("it passed",)))

        assert (ended.state, len(ended.looks)) == ("promoted", 2)

    def test_report_keeps_the_latest_checks(self):
        report = REPORT
        for number in range(MAX_LOOKS):
            report = report.with_look(CanaryLook(number, "going", ()))

        assert (len(report.looks), report.looks[0].at_ms) == (MAX_LOOKS, 0)

    @pytest.mark.parametrize("body", [b"damaged", b"{}", b'{"looks": []}', b'{"looks": [{"reasons": []}]}'])
    def test_damaged_report_is_refused(self, s3, body):
        s3.put_object(Bucket=BUCKET, Key=report_key("v2"), Body=body)

        with pytest.raises(InvalidBundle, match="the report of the canary is unreadable"):
            CanaryReports(s3, BUCKET).read("v2")
