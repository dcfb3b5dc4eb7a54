"""Replays of a day's requests from the log, in a separate process."""

import dataclasses
import itertools
import shutil
import time
from pathlib import Path

import pytest

from alsolike.configuration.configuration import Fatigue
from alsolike.declarations.storage import SEGMENTS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.profiles.impressions import Impressions, ImpressionStore
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput, NotFound
from operations.client.deployment import Deployment
from operations.day_replay.replaying import CORE, own_root
from tests.unit.cli.shop import KEY, NAMES
from tests.unit.functions.recommend.direct.logged_day import LoggedDay
from tests.unit.functions.recommend.shop import ARN

SWEET = {"filters": {"sweet": 'INCLUDE ItemID WHERE Items.TAGS IN ("sweet")'}}
PIN = {"rules": {"home": {"pins": [{"item": "kiwi", "position": 1}]}}, "recommenders": {"for-you": {"rules": "home"}}}


@pytest.fixture
def day(shop, aws, lake_bucket, capsys, monkeypatch):
    # From noon of the next day (UTC): later than the modification times in S3, and far from the end of a day.
    times_ms = itertools.count((time.time_ns() // 1_000_000 // DAY_MS + 1) * DAY_MS + DAY_MS // 2)
    monkeypatch.setattr(time, "time_ns", lambda: next(times_ms) * 1_000_000)
    shop.s3.put_bucket_versioning(Bucket=shop.bucket, VersioningConfiguration={"Status": "Enabled"})
    names = dataclasses.replace(NAMES, lake_bucket=lake_bucket, artefact_bucket=shop.bucket, hash_key_arn="the-key")
    deployment = Deployment("shop", names, aws, lambda: KEY, is_local=True)
    return LoggedDay(shop, deployment, lambda: capsys.readouterr().out)


@pytest.fixture
def busy(day):
    """Return a day on which the model, the configuration, the catalogue and the users change between responses."""
    shop = day.shop
    shop.publish_beside("v2")
    shop.catalogue({"fig": {"tags": ["sweet"]}, "plum": {"tags": ["sour"]}, "kiwi": {}})
    day.view("anna", "pear")
    shop.items(numResults=3)
    day.view("anna", "fig", in_profile=False)  # The event arrived before the response, but the profile lacks the event.
    shop.items(numResults=3)
    shop.configure(items={"columns": {"TAGS": "list"}}, **SWEET, aliases={"home": {"recommender": "for-you"}})
    shop.items("sweet", numResults=3)
    shop.ask(campaignArn=f"{ARN}:campaign/home", exclude=["plum"])
    shop.catalogue({"plum": None})
    shop.items(numResults=3)
    shop.get("GET /items/{itemId}/similar", path={"itemId": "pear"})
    shop.post(
        {"userId": "anna", "campaignArn": f"{ARN}:campaign/personalized-ranking", "inputList": ["kiwi", "plum", "fig"]},
        route="POST /personalize-ranking",
    )
    shop.count(fig=30)
    shop.get("GET /trending", headers={"x-alsolike-agent": "assistant"})
    shop.configure(
        items={"columns": {"CREATION_TIMESTAMP": "timestamp"}},
        rules={"home": {"exploration": {"share": 0.5, "new_for_days": 30}}},
        recommenders={"for-you": {"rules": "home", "swaps": 0.5}},
    )
    shop.catalogue({item: {"creationTimestamp": time.time_ns() / 1e9 - 60} for item in ("kiwi", "plum")})
    for _ in range(6):
        shop.items(numResults=3)
    day.view(None, "pear", session_id="visit")
    shop.post({"userId": "visit"})
    return day


def test_day_with_unchanged_inputs_has_identical_lists(busy):
    found = busy.replay()

    assert found.not_replayable == {}
    assert found.differences == ()
    assert (found.responses, found.replayed, found.identical) == (15, 15, 15)
    assert found.random >= 6


ARMS = {
    "one": {"share": 0.4, "rules": "home"}, "two": {"share": 0.3, "recommender": "popular"}, "three": {"share": 0.3}
}  # fmt: skip
TRIAL = {**PIN, "recommenders": {}, "experiments": {"trial": {"start": "2020-01-01T00:00:00Z", "arms": ARMS}}}


def test_arms_of_users_are_repeated_without_their_ids(day):
    day.shop.publish()
    day.shop.configure(**TRIAL)
    for number in range(8):
        day.view(f"user-{number}", "pear")
        day.shop.post({"userId": f"user-{number}", "numResults": 3})
    arms = {arm for row in day.archive() for arm in row.arms}

    found = day.replay()

    assert len(arms) > 1
    assert (found.identical, found.differences, found.not_replayable) == (8, (), {})


@pytest.mark.parametrize("pseudonymise", ["0", "1"])
def test_sessions_before_and_after_their_login_are_replayed(day, monkeypatch, pseudonyms, pseudonymise):
    monkeypatch.setenv("PSEUDONYMISE_IDS", pseudonymise)
    names = dataclasses.replace(day.deployment.names, pseudonymise_ids=pseudonymise)
    day.deployment = dataclasses.replace(day.deployment, names=names)
    user, session = ("anna", "s-1") if pseudonymise == "0" else (pseudonyms.user("anna"), pseudonyms.session("s-1"))
    day.shop.publish()
    day.view(None, "pear", session_id=session)
    day.shop.get("GET /session/recommendations", token={"sessionId": "s-1"})
    day.view(user, "fig", session_id=session)
    store = ProfileStore(day.shop.dynamodb, day.shop.profiles_table)
    (viewed,) = store.read(f"s#{session}", length=10).recent
    store.add(f"u#{user}", [viewed], now_ms=viewed.event_time_ms)  # A login copies the view to the user's profile.
    day.shop.get("GET /session/recommendations", token={"sessionId": "s-1", "userId": "anna"})
    day.shop.post({"userId": "anna"})

    found = day.replay()

    assert (found.identical, found.differences, found.not_replayable) == (3, (), {})


def test_properties_of_users_are_those_of_their_time(day):
    day.shop.publish()
    day.shop.catalogue({"fig": {"tags": ["sweet"]}, "plum": {"tags": ["sour"]}})
    day.shop.configure(
        users={"columns": {"LIKES": "list"}},
        filters={"liked": "INCLUDE ItemID WHERE Items.TAGS IN CurrentUser.LIKES"},
        recommenders={"popular": {"filter": "liked"}},
    )
    lists = []
    for tag in ("sweet", "sour"):
        day.register("anna", likes=[tag])
        lists.append(day.shop.items(recommenderArn=f"{ARN}:recommender/popular"))

    found = day.replay()

    assert lists == [["fig"], ["plum"]]
    assert (found.identical, found.differences, found.not_replayable) == (2, (), {})


def test_changed_rule_gives_exactly_the_predicted_differences(day):
    day.shop.publish()
    day.view("anna", "pear")
    before = day.shop.items(numResults=2)
    day.shop.get("GET /popular")

    found = day.replay(draft=PIN)

    (difference,) = found.differences
    assert (difference.recommender, difference.causes) == ("for-you", ("configuration",))
    assert difference.logged == tuple(before)
    assert difference.replayed == ("kiwi", before[0])
    assert difference.places == [1, 2]
    assert (found.replayed, found.identical) == (2, 1)


def test_sample_has_the_same_responses_each_time(day):
    day.shop.publish()
    for _ in range(6):
        day.shop.items(numResults=2)

    first, again = (day.replay(draft=PIN, sample=2) for _ in range(2))

    assert first.responses == 2
    assert len(first.differences) == 2
    assert first.differences == again.differences


def test_other_model_changes_only_the_lists_that_it_ranks_differently(day):
    """Version v1 ranks fig before plum after a pear, and v2 ranks kiwi first."""
    day.shop.publish_beside("v2")
    day.view("anna", "pear")
    day.shop.items(numResults=2)
    day.shop.post({"userId": "anna", "campaignArn": f"{ARN}:campaign/recently-viewed"})

    found = day.replay(model="v2", draft=PIN)

    assert found.changes == ("configuration", "model")
    (difference,) = found.differences
    assert difference.causes == ("configuration", "model")
    assert (difference.logged, difference.replayed) == (("fig", "plum"), ("kiwi", "plum"))
    assert found.by_cause == {"configuration": 1, "model": 1}


def test_code_of_another_checkout_is_the_cause_of_its_differences(day, tmp_path):
    other = tmp_path / "checkout"
    shutil.copytree(own_root() / "functions", other / "functions", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(own_root() / CORE, other / CORE, ignore=shutil.ignore_patterns("__pycache__"))
    changed = other / "functions" / "recommend" / "ranking" / "recommenders.py"
    text = changed.read_text()
    assert "reversed(inputs.recent)" in text
    changed.write_text(
        text.replace("reversed(inputs.items.history.tolist())", "inputs.items.history.tolist()").replace(
            "reversed(inputs.recent)", "inputs.recent"
        )
    )
    day.shop.publish()
    for item in ("pear", "fig"):
        day.view("anna", item)
    day.shop.items(numResults=2)
    day.shop.post({"userId": "anna", "recommenderArn": f"{ARN}:recommender/recently-viewed"})

    found = day.replay(code=other)

    (difference,) = found.differences
    assert (difference.recommender, difference.causes) == ("recently-viewed", ("code",))
    assert (difference.logged, difference.replayed) == (("fig", "pear"), ("pear", "fig"))


def test_reasons_against_a_replay_are_counted(day):
    shop = day.shop
    shop.publish()
    shop.catalogue({"fig": {}})
    shop.items()
    shop.remember("u#anna", "pear")  # The lake does not have this interaction.
    shop.items()
    shop.ask(exclude=["x" * 250] * 80)
    for version in shop.s3.list_object_versions(Bucket=shop.bucket, Prefix=SEGMENTS_PREFIX)["Versions"]:
        shop.s3.delete_object(Bucket=shop.bucket, Key=version["Key"], VersionId=version["VersionId"])
    day.archive()
    shop.catalogue({"plum": {}})

    found = day.replay()

    assert (found.responses, found.replayed) == (3, 0)
    assert sum(found.not_replayable.values()) == 3
    assert found.not_replayable["the catalogue is no longer stored"] == 2


def test_interactions_that_the_lake_lacks_are_a_reason_against_a_replay(day):
    day.shop.publish()
    day.shop.remember("u#anna", "pear")
    day.shop.items()
    day.shop.get("GET /popular")

    found = day.replay()

    assert (found.replayed, found.identical) == (1, 1)
    assert found.not_replayable == {"the user's interactions are no longer in the lake": 1}


def test_expired_interactions_of_the_lake_do_not_prevent_a_replay(day):
    day.shop.publish()
    day.view("anna", "kiwi", days_ago=401, in_profile=False)
    day.view("anna", "pear")
    day.shop.items()

    found = day.replay()

    assert (found.identical, found.not_replayable) == (1, {})


@pytest.fixture
def tiring(day):
    """Return a day on which the configuration demotes seen items."""
    day.shop.publish()
    day.view("anna", "pear")
    day.shop.configure(recommenders={"for-you": {"fatigue": {"strength": 5, "half_life_hours": 24}}})
    return day


def test_lists_with_demoted_items_are_replayed(tiring, pseudonyms):
    shop = tiring.shop
    assert shop.items(numResults=2) == ["fig", "plum"]
    for _ in range(3):
        tiring.see(pseudonyms.shopper("anna"), "anna", "fig")
    # The impression is not in the profile at the next response.
    tiring.see(pseudonyms.shopper("anna"), "anna", "plum", in_profile=False)
    assert shop.items(numResults=2) == ["plum", "fig"]
    for row in tiring.archive():
        served = Impressions(
            row.shopper, row.recommendation_id, row.recommendation_id, row.served_ms, row.item_ids, is_reported=False
        )
        ImpressionStore(shop.dynamodb, shop.profiles_table).add([served], Fatigue(5, 24))
    shop.items(numResults=2)

    found = tiring.replay()

    assert (found.replayed, found.identical, found.not_replayable) == (3, 3, {})


def test_seen_lists_that_the_lake_lacks_are_a_reason_against_a_replay(tiring, pseudonyms):
    seen = Impressions(pseudonyms.shopper("anna"), "r0", "r0", time.time_ns() // 1_000_000, ("fig",), is_reported=True)
    ImpressionStore(tiring.shop.dynamodb, tiring.shop.profiles_table).add([seen], Fatigue(5, 24))
    tiring.shop.items()

    found = tiring.replay()

    assert found.replayed == 0
    assert found.not_replayable == {"the lists that the user had seen are no longer in the lake": 1}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"model": "v9"}, NotFound, "model version 'v9' has no files"),
        ({"code": Path("/nowhere")}, InvalidInput, "--code is '/nowhere', expected a checkout"),
    ],
)
def test_replay_with_a_missing_input_is_refused(day, options, error, message):
    day.shop.publish()
    day.shop.items()

    with pytest.raises(error, match=message):
        day.replay(**options)


def test_replay_of_a_day_without_responses_is_refused(day):
    with pytest.raises(NotFound, match="the log has no responses of"):
        day.replay()
