import pytest

from alsolike.declarations.storage import CHAMPION_KEY
from alsolike.registry.champion_pointer import MAX_HISTORY, Champion, Promotion
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.errors import ConcurrentUpdate, InvalidBundle, InvalidInput, NotFound
from tests.fakes.places import BUCKET


@pytest.fixture
def s3(s3):
    for version in ("v1", "v2", "v3"):
        s3.put_object(Bucket=BUCKET, Key=f"{model_prefix(version)}manifest.json", Body=b"{}")
    return s3


@pytest.fixture
def registry(s3):
    return Registry(s3, BUCKET)


def test_promoted_version_is_champion(registry):
    promoted = registry.promote("v1", reason="first", now_ms=5)

    assert (promoted.version, promoted.previous) == ("v1", None)
    assert promoted.history == (Promotion("v1", 5, "first"),)
    assert registry.champion() == promoted


def test_repeated_promotion_of_the_champion_changes_nothing(registry):
    first = registry.promote("v1", reason="first", now_ms=5)

    assert registry.promote("v1", reason="again", now_ms=6) == first


def test_version_without_a_bundle_cannot_be_promoted(s3, registry):
    with pytest.raises(NotFound, match=r"model version 'v9' has no bundle at s3://artefacts/models/v9/manifest\.json"):
        registry.promote("v9", reason="a test", now_ms=5)

    assert registry.champion() is None


def test_version_with_an_invalid_name_cannot_be_promoted(s3, registry):
    s3.put_object(Bucket=BUCKET, Key=f"{model_prefix('v 1')}manifest.json", Body=b"{}")

    with pytest.raises(InvalidInput, match="the version is 'v 1', expected 1 to 128 letters"):
        registry.promote("v 1", reason="a test", now_ms=5)

    assert registry.champion() is None


def test_rollback_pauses_promotions_until_resume_or_promotion(registry):
    for version in ("v1", "v2"):
        registry.promote(version, reason="a test", now_ms=1)

    held = registry.roll_back(reason="it sells socks only", now_ms=1_767_225_600_000)

    assert registry.champion() == held
    assert str(held.held) == (
        "paused since 2026-01-01 00:00:00 UTC: it sells socks only; `alsolike models resume` ends the pause"
    )
    assert registry.pin(held, ("v1",)).held == held.held
    assert registry.promote("v1", reason="the champion stays", now_ms=5).held is None
    registry.promote("v2", reason="a test", now_ms=6)
    assert registry.resume(registry.roll_back(reason="again", now_ms=7)).held is None
    registry.promote("v2", reason="a test", now_ms=8)
    registry.roll_back(reason="once more", now_ms=9)
    assert registry.promote("v3", reason="fixed", now_ms=8).held is None


def test_repeated_rollback_returns_to_earlier_champions_only(registry):
    for index, version in enumerate(("v1", "v2", "v3")):
        registry.promote(version, reason="a test", now_ms=index)

    assert registry.roll_back(reason="v3 is bad", now_ms=3).version == "v2"
    assert registry.roll_back(reason="v2 is bad too", now_ms=4).version == "v1"
    assert registry.champion().history[:2] == (Promotion("v1", 4, "v2 is bad too"), Promotion("v2", 3, "v3 is bad"))
    with pytest.raises(NotFound, match="there is no earlier champion to roll back to"):
        registry.roll_back(reason="v1 is the first", now_ms=5)


@pytest.mark.parametrize(
    ("history", "predecessors"),
    [
        (["v1"], ()),
        (["v3", "v2", "v1"], ("v2", "v1")),
        (["v2", "v3", "v2", "v1"], ("v1",)),  # v3 was rolled back.
        (["v4", "v2", "v3", "v2", "v1"], ("v2", "v1")),  # v3 was rolled back, and v4 was trained later.
        (["v1", "v2", "v3", "v2", "v1"], ()),
        (["v1", "v2"], ("v2",)),
    ],
)
def test_predecessors_exclude_rolled_back_versions(history, predecessors):
    champion = Champion(tuple(Promotion(version, 0, "") for version in history), etag="")

    assert champion.predecessors == predecessors
    assert champion.previous == (predecessors[0] if predecessors else None)


@pytest.mark.parametrize("promoted", [[], ["v1"]])
def test_rollback_without_an_earlier_champion_is_refused(promoted, registry):
    for version in promoted:
        registry.promote(version, reason="a test", now_ms=1)

    with pytest.raises(NotFound, match="there is no earlier champion to roll back to"):
        registry.roll_back(reason="a test", now_ms=2)


def test_history_is_limited_to_the_latest_promotions(registry):
    for index in range(MAX_HISTORY + 2):
        champion = registry.promote(("v1", "v2")[index % 2], reason="a test", now_ms=index)

    assert [promotion.promoted_ms for promotion in champion.history] == list(range(MAX_HISTORY + 1, 1, -1))


@pytest.mark.parametrize("before", [None, "v3"])
def test_promotion_based_on_an_earlier_champion_is_refused(before, registry):
    judged = registry.promote(before, reason="a test", now_ms=1) if before else None
    registry.promote("v2", reason="faster", now_ms=2)

    with pytest.raises(ConcurrentUpdate, match="the champion pointer changed meanwhile; check it, then try again"):
        registry.replace(judged, "v1", reason="a test", now_ms=3)

    assert registry.champion().version == "v2"


def test_rollback_of_a_replaced_champion_is_refused(s3, registry):
    registry.promote("v1", reason="a test", now_ms=1)
    registry.promote("v2", reason="a test", now_ms=2)

    class Interrupted(Registry):
        def champion(self):
            seen = super().champion()
            registry.promote("v3", reason="faster", now_ms=3)
            return seen

    with pytest.raises(ConcurrentUpdate):
        Interrupted(s3, BUCKET).roll_back(reason="v2 is bad", now_ms=4)

    assert registry.champion().version == "v3"


def promotion(version, promoted_ms):
    return b'{"history": [{"version": %b, "promoted_ms": %b, "reason": "by hand"}]}' % (version, promoted_ms)


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b'{"history": null}', b'{"history": [{"version": "v1"}]}'),
        *(promotion(version, b"0") for version in (b"7", b"null", b'"../catalogue"', b'".."')),
        promotion(b'"v1"', b'"today"'),
    ],
)
def test_unreadable_pointer_is_refused(s3, body, registry):
    s3.put_object(Bucket=BUCKET, Key=CHAMPION_KEY, Body=body)

    with pytest.raises(InvalidBundle, match=r"^s3://artefacts/registry/champion\.json is unreadable"):
        registry.champion()
