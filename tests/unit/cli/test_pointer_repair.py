"""Repair of a damaged or deleted champion pointer, and of unreadable actions, from earlier versions."""

import pytest

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.declarations.storage import ACTIONS_KEY, CHAMPION_KEY
from alsolike.registry.canary import Canary
from alsolike.registry.champion_pointer import Promotion
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.errors import InvalidBundle, InvalidInput, NotFound
from operations.models.actions_repair import repair_actions
from operations.models.pointer_repair import forget_pointer, repair_pointer
from tests.fakes.places import BUCKET

DAMAGES = [b"", b"{", b"[]", b"null", b'{"history": [{"version": "../x"}]}', b'{"history": 1}', None]


@pytest.fixture
def registry(s3):
    """Return a registry whose pointer had the champion v1, then v2 with the canary v3."""
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for version in ("v1", "v2", "v3"):
        s3.put_object(Bucket=BUCKET, Key=f"{model_prefix(version)}manifest.json", Body=b"{}")
    found = Registry(s3, BUCKET)
    for now_ms, version in enumerate(("v1", "v2")):
        found.promote(version, reason="better", now_ms=now_ms)
    champion = found.champion()
    assert champion is not None
    found.start_canary(champion, Canary("v3", "v2", 0.1, 5, 10, 1_000, "run"))
    return found


def damage(s3, body):
    if body is None:
        s3.delete_object(Bucket=BUCKET, Key=CHAMPION_KEY)
    else:
        s3.put_object(Bucket=BUCKET, Key=CHAMPION_KEY, Body=body)


def repair(s3, version=None):
    champion = repair_pointer(s3, BUCKET, version=version, reason="a bad day", now_ms=9)
    return None if champion is None else champion.version


@pytest.mark.parametrize("body", DAMAGES)
def test_damaged_pointer_is_restored_without_its_canary(s3, registry, body):
    damage(s3, body)
    with pytest.raises(InvalidBundle, match=r"; repair it with `alsolike models repair`$"):
        registry.champion()

    assert repair(s3) == "v2"

    champion = registry.champion()
    assert (champion.version, champion.previous, champion.canary) == ("v2", "v1", None)
    assert champion.ended.reason == "the pointer was repaired: a bad day"
    assert registry.promote("v3", reason="later", now_ms=10).version == "v3"


def test_valid_pointer_is_not_changed(s3, registry):
    before = registry.champion()

    assert repair(s3, "v1") is None
    assert registry.champion() == before


def test_missing_pointer_without_a_promotion_is_not_changed(s3):
    assert repair(s3) is None


def test_champion_without_files_is_skipped(s3, registry):
    damage(s3, b"{")
    s3.delete_object(Bucket=BUCKET, Key=f"{model_prefix('v2')}manifest.json")

    assert repair(s3) == "v1"


def test_named_version_becomes_champion_with_earlier_ones_as_history(s3, registry):
    damage(s3, b"{")

    assert repair(s3, "v3") == "v3"

    champion = registry.champion()
    assert champion.history[0] == Promotion("v3", 9, "a bad day")
    assert champion.predecessors == ("v2", "v1")


def test_named_version_without_files_is_refused(s3, registry):
    damage(s3, b"{")

    with pytest.raises(NotFound, match="model version 'v9' has no bundle"):
        repair(s3, "v9")


def test_repair_without_a_usable_version_requires_a_named_version(s3, registry):
    damage(s3, None)
    for version in ("v1", "v2"):
        s3.delete_object(Bucket=BUCKET, Key=f"{model_prefix(version)}manifest.json")

    with pytest.raises(InvalidInput, match="`alsolike models repair --champion VERSION`"):
        repair(s3)


def test_promotion_after_a_deleted_pointer_is_the_first(s3, registry):
    damage(s3, None)

    forget_pointer(s3, BUCKET)

    assert registry.champion() is None
    assert registry.promote("v3", reason="first", now_ms=9).history == (Promotion("v3", 9, "first"),)


FIRST, SECOND = b'{"app": {"value": 1}, "mail": {}}', b'{"app": {"value": 2}, "mail": {}, "card": null}'


def put(s3, *bodies):
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    for body in bodies:
        s3.put_object(Bucket=BUCKET, Key=ACTIONS_KEY, Body=body)


@pytest.mark.parametrize(
    ("bodies", "actions"),
    [
        ([FIRST, b"{"], {"app": {"value": 1}, "mail": {}}),
        ([FIRST, b"[]", b"null"], {"app": {"value": 1}, "mail": {}}),
        ([FIRST, b'{"app": {"value": 3}, "mail": null}'], {"app": {"value": 3}, "mail": {}}),
        ([FIRST, b'{"app": [], "mail": null}', b"{"], {"app": {"value": 1}, "mail": {}}),
        ([SECOND], {"app": {"value": 2}, "mail": {}}),
    ],
)
def test_latest_readable_columns_of_each_action_are_restored(s3, bodies, actions):
    put(s3, *bodies)

    (done,) = repair_actions(s3, BUCKET)

    assert "catalog/actions.json is restored: 2 actions" in done
    assert ("without card" in done) == (bodies == [SECOND])
    assert ActionStore(s3, BUCKET).all() == [Action(*entry) for entry in sorted(actions.items())]
    assert repair_actions(s3, BUCKET) == []


@pytest.mark.parametrize(("bodies", "deleted"), [([], False), ([FIRST], False), ([b"{", FIRST], True)])
def test_valid_or_deleted_actions_are_not_changed(s3, bodies, deleted):
    put(s3, *bodies)
    if deleted:
        s3.delete_object(Bucket=BUCKET, Key=ACTIONS_KEY)

    assert repair_actions(s3, BUCKET) == []


def test_actions_without_a_readable_version_are_refused(s3):
    put(s3, b"{", b"[]")

    with pytest.raises(InvalidInput, match=f"no version of s3://{BUCKET}/{ACTIONS_KEY} is readable"):
        repair_actions(s3, BUCKET)
