"""Users in arms of experiments, who get the settings of their arms through the handler."""

import orjson
import pytest

from alsolike.configuration import recommendation_id
from alsolike.configuration.experiments import Arm, Experiment
from alsolike.configuration.recommendation_id import arm_tag
from alsolike.runtime.polling import Polling
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import ChampionLoader, VariantModels
from tests.unit.functions.recommend.deployment import CHECK_S
from tests.unit.functions.recommend.shop import ARN, invoke

BOTH = Experiment("spring", "home", 0, None, (Arm("control", 0.5), Arm("new", 0.5)))
USERS = [f"user-{number}" for number in range(40)]
IN_CONTROL, IN_NEW = (next(user for user in USERS if BOTH.arm_of(user).name == name) for name in ("control", "new"))
FOR_YOU = f"{ARN}:recommender/for-you"


def spring(**stated):
    """Return an experiment whose second half of users gets the settings `new`."""
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, **stated.pop("new", {})}}
    return {"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms, **stated}}


@pytest.fixture
def known(shop):
    for user in USERS:
        shop.remember(f"u#{user}", "pear")
    return shop


def first(shop, user, **fields):
    items, headers = shop.ask(userId=user, **fields)
    return items[0]["itemId"], headers


def test_arms_are_in_the_header_and_the_recommendation_id(known):
    known.publish()
    known.configure(experiments=spring())

    for user, arm in ((IN_CONTROL, "spring/control"), (IN_NEW, "spring/new")):
        answer = known.post({"userId": user})

        parsed_id = recommendation_id.parse(orjson.loads(answer["body"])["recommendationId"])
        assert (parsed_id.recommender, parsed_id.arm_tags) == ("for-you", (arm_tag(arm),))
        assert answer["headers"]["x-alsolike-arms"] == arm


def test_arm_with_another_recommender_keeps_the_requested_name(known):
    known.publish()
    known.configure(experiments=spring(new={"recommender": "recently-viewed"}))

    assert first(known, IN_CONTROL)[0] == "fig"
    items, headers = known.listed(userId=IN_NEW, recommenderArn=FOR_YOU)

    assert (items, headers["x-alsolike-source"]) == (["pear"], "recent")
    body = orjson.loads(known.post({"userId": IN_NEW})["body"])
    assert recommendation_id.parse(body["recommendationId"]).recommender == "for-you"


def test_filter_of_the_arm_recommender_applies(known):
    known.publish()
    known.catalogue({"fig": {"price": 1.0}, "pear": {"price": 9.0}})
    known.configure(
        items={"columns": {"price": "number"}},
        filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < 5", "dear": "INCLUDE ItemID WHERE Items.PRICE > 5"},
        recommenders={"for-you": {"filter": "cheap"}, "recently-viewed": {"filter": "dear"}},
        experiments=spring(new={"recommender": "recently-viewed"}),
    )

    assert known.ask(userId=IN_NEW)[0] == []

    known.configure(
        items={"columns": {"price": "number"}},
        filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < 5"},
        recommenders={"recently-viewed": {"filter": "cheap"}},
        experiments=spring(new={"recommender": "recently-viewed"}),
    )

    assert known.ask(userId=IN_NEW)[0] == []


def test_arm_with_another_model_has_its_version(known):
    known.publish_beside("v2")
    known.configure(experiments=spring(new={"model": "v2"}))

    item, headers = first(known, IN_NEW)
    assert (item, headers["x-alsolike-model-version"]) == ("kiwi", "v2")
    assert "x-alsolike-degraded" not in headers
    item, headers = first(known, IN_CONTROL)
    assert (item, headers["x-alsolike-model-version"]) == ("fig", "v1")


def test_degradation_of_the_champion_is_not_reported_in_another_model_arm(known):
    known.publish_beside("v2")
    known.s3.put_object(Bucket=known.bucket, Key="models/v1/graph.data", Body=b"damaged")
    known.configure(experiments=spring(new={"model": "v2"}))

    assert first(known, IN_NEW)[0] == "kiwi"
    assert "x-alsolike-degraded" not in first(known, IN_NEW)[1]
    assert "no-model" in known.ask(userId=IN_CONTROL)[1]["x-alsolike-degraded"]


def test_arm_with_a_missing_model_falls_back_to_the_champion(known):
    known.publish("v1")
    known.configure(experiments=spring(new={"model": "v9"}))

    item, headers = first(known, IN_NEW)

    assert (item, headers["x-alsolike-model-version"]) == ("fig", "v1")
    assert (headers["x-alsolike-degraded"], headers["x-alsolike-arms"]) == ("arm-model-unavailable", "spring/new")
    assert "x-alsolike-degraded" not in first(known, IN_CONTROL)[1]


def test_arm_with_the_champion_does_not_load_it_twice(known, monkeypatch):
    known.publish("v1")
    known.configure(experiments=spring(new={"model": "v1"}))
    known.ask(userId=IN_CONTROL)
    # A second load would call None and raise an error.
    monkeypatch.setattr("functions.recommend.state.champion.load", None)

    headers = first(known, IN_NEW)[1]

    assert (headers["x-alsolike-model-version"], headers.get("x-alsolike-degraded")) == ("v1", None)


def test_request_without_user_is_in_no_experiment_and_stays_public(known):
    known.publish()
    known.configure(experiments=spring(on=["popular"], new={"recommender": "trending"}))

    headers = known.get("GET /popular")["headers"]

    assert "x-alsolike-arms" not in headers
    assert headers["cache-control"] == "public, max-age=60"
    named = known.get("GET /users/{userId}/recommendations", path={"userId": IN_NEW}, recommender="popular")["headers"]
    assert (named["x-alsolike-arms"], named["cache-control"]) == ("spring/new", "private, no-cache")


def test_session_is_assigned_by_its_id_until_its_token_has_a_user(known):
    known.publish()
    known.configure(experiments=spring())

    def arms(**token):
        answer = known.get("GET /session/recommendations", token=token)
        assert "x-alsolike-arms" not in answer["headers"]  # The headers for a browser do not contain the arms.
        return recommendation_id.parse(orjson.loads(answer["body"])["recommendationId"]).arm_tags

    assert arms(sessionId=IN_NEW) == (arm_tag("spring/new"),)
    assert arms(sessionId=IN_NEW, userId=IN_CONTROL) == (arm_tag("spring/control"),)


def test_batch_results_have_the_arm_of_each_user(known):
    known.publish_beside("v2")
    known.configure(experiments=spring(new={"model": "v2"}))

    results = invoke(batch={"users": [IN_CONTROL, IN_NEW], "numResults": 1})["results"]

    lists = [(row["itemList"][0]["itemId"], row["modelVersion"], row["arms"]) for row in results]
    assert lists == [("fig", "v1", ["spring/control"]), ("kiwi", "v2", ["spring/new"])]


class TestVariantModels:
    @pytest.fixture
    def bundles(self, deployment):
        return BundleCache(deployment.s3, deployment.bucket, deployment.cache)

    @pytest.fixture
    def variant_models(self, bundles):
        return VariantModels(bundles, retry_s=CHECK_S)

    @staticmethod
    def loaded(variant_models, *wanted, champion=None, now_ms=0):
        return list(variant_models.current(wanted, champion=champion, now_ms=now_ms, remaining_ms=lambda: 20_000))

    @staticmethod
    def champion(deployment, bundles):
        loader = ChampionLoader(deployment.registry, bundles, polling=Polling(0))
        return loader.current(now_ms=1, remaining_ms=lambda: 20_000).model

    def test_previous_champion_stays_on_disk_while_it_is_used(self, deployment, bundles, variant_models):
        for version in ("v1", "v2", "v3"):
            deployment.publish(version)
        assert self.loaded(variant_models, "v1") == ["v1"]

        champion = self.champion(deployment, bundles)

        assert deployment.cached() == ["v1", "v3"]
        assert self.loaded(variant_models, champion=champion) == []
        assert deployment.cached() == ["v3"]

    def test_arm_version_that_becomes_champion_is_stored_once(self, deployment, bundles, variant_models):
        deployment.publish("v1")
        self.loaded(variant_models, "v1")
        champion = self.champion(deployment, bundles)

        assert self.loaded(variant_models, "v1", champion=champion) == []
        assert deployment.cached() == ["v1"]

    def test_model_that_cannot_be_loaded_is_retried_with_backoff(self, deployment, variant_models, monkeypatch):
        deployment.publish("v1", damage="graph.data")
        tries: list[int] = []
        fetch = BundleCache.fetch
        now = 0

        def counted(self, version, **more):
            tries.append(now)
            return fetch(self, version, **more)

        monkeypatch.setattr(BundleCache, "fetch", counted)

        for now in range(0, 300_000, 10_000):
            assert self.loaded(variant_models, "v1", now_ms=now) == []

        # Each attempt makes two downloads. Attempts follow after 30 s, 60 s and 120 s. The next one would follow after
        # another 240 s.
        assert tries == [0, 0, 30_000, 30_000, 90_000, 90_000, 210_000, 210_000]

    def test_arm_model_needs_room_for_the_next_champion(self, deployment, bundles, variant_models, monkeypatch):
        deployment.publish("v1")
        deployment.publish("v2")
        champion = self.champion(deployment, bundles)
        size = sum(file.stat().st_size for file in (deployment.cache / "v2").iterdir())

        for now_ms, free, expected in ((0, size - 1, []), (60_000, size, ["v1"])):
            monkeypatch.setattr("shutil.disk_usage", lambda _, free=free: type("Usage", (), {"free": free}))
            found = self.loaded(variant_models, "v1", champion=champion, now_ms=now_ms)
            assert (found, deployment.cached()) == (expected, [*expected, "v2"])


def test_rules_of_an_arm_replace_those_of_the_recommender(known):
    known.publish()
    known.configure(
        rules={name: {"pins": [{"item": item, "position": 1}]} for name, item in (("usual", "kiwi"), ("bold", "plum"))},
        recommenders={"for-you": {"rules": "usual"}},
        experiments=spring(new={"rules": "bold"}),
    )

    for user, expected in ((IN_CONTROL, ("kiwi", "usual")), (IN_NEW, ("plum", "bold"))):
        item, headers = first(known, user)
        assert (item, headers["x-alsolike-rules"]) == expected
