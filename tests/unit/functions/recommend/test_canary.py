"""Canary that serves its share of users, through the handler."""

import time

import pytest

from alsolike.declarations.storage import CHAMPION_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.registry.canary import GRACE_MS, Canary
from functions.recommend.state.bundles import load
from functions.recommend.state.model import GRAPH_ERRORS, Model

NOW_MS = time.time_ns() // 1_000_000
CANARY = Canary("v2", "v1", 0.5, NOW_MS - 1_000, NOW_MS + DAY_MS, 1_000, "run")
USERS = [f"user-{number}" for number in range(40)]
ON_TRIAL, NOT_ON_TRIAL = (
    next(user for user in USERS if CANARY.experiment.arm_of(user).name == name) for name in ("candidate", "champion")
)
CANDIDATE_ARM, CHAMPION_ARM = "canary-v2/candidate", "canary-v2/champion"


@pytest.fixture
def tried(shop, monkeypatch):
    """Return a shop with champion v1, which recommends figs after a pear, and canary v2, which recommends kiwis."""
    monkeypatch.setenv("CHAMPION_CHECK_S", "0")
    for user in USERS:
        shop.remember(f"u#{user}", "pear")
    shop.publish_beside("v2")
    start(shop)
    return shop


def start(shop, canary=CANARY):
    shop.registry.start_canary(shop.champion, canary)


def first(shop, **request):
    items, headers = shop.ask(**request)
    return items[0]["itemId"], headers["x-alsolike-model-version"], headers.get("x-alsolike-arms")


def test_user_gets_the_version_of_the_arm(tried):
    assert first(tried, userId=ON_TRIAL) == ("kiwi", "v2", CANDIDATE_ARM)
    assert first(tried, userId=NOT_ON_TRIAL) == ("fig", "v1", CHAMPION_ARM)


def test_request_without_user_gets_the_champion(tried):
    headers = tried.get("GET /popular")["headers"]

    assert (headers["x-alsolike-model-version"], headers["cache-control"]) == ("v1", "public, max-age=60")
    assert "x-alsolike-arms" not in headers


@pytest.mark.parametrize(
    ("recommender", "arms"),
    [("popular", CANDIDATE_ARM), ("buy-again", CANDIDATE_ARM), ("trending", CANDIDATE_ARM), ("recently-viewed", None)],
)
def test_every_recommender_that_uses_a_model_has_the_canary(tried, recommender, arms):
    path = {"userId": ON_TRIAL}

    headers = tried.get("GET /users/{userId}/recommendations", path=path, recommender=recommender)["headers"]

    assert headers.get("x-alsolike-arms") == arms


def test_ended_canary_serves_no_users_after_the_next_check(tried):
    assert first(tried, userId=ON_TRIAL)[1] == "v2"

    tried.registry.end_canary(tried.champion, reason="a test")

    assert first(tried, userId=ON_TRIAL) == ("fig", "v1", None)


def test_expired_canary_serves_no_users(tried):
    start(tried, Canary("v2", "v1", 0.5, NOW_MS - 2 * GRACE_MS, NOW_MS - GRACE_MS - 1, 1_000, "gone"))

    assert first(tried, userId=ON_TRIAL) == ("fig", "v1", None)


def test_unexpected_error_at_loading_falls_back_to_the_champion(tried, monkeypatch):
    def fail(bundles, version, **arguments):
        if version == "v2":
            raise MemoryError("unforeseen error")
        return load(bundles, version, **arguments)

    monkeypatch.setattr("functions.recommend.state.champion.load", fail)

    for user, lacking in ((ON_TRIAL, "arm-model-unavailable"), (NOT_ON_TRIAL, None)):
        items, headers = tried.ask(userId=user)

        assert (items[0]["itemId"], headers.get("x-alsolike-degraded")) == ("fig", lacking)


def test_canary_that_fails_at_ranking_uses_the_fallbacks(tried, monkeypatch):
    rank = Model.rank

    def fail(self, *arguments, **named):
        if self.version == "v2":
            raise GRAPH_ERRORS[-1]("the graph does not fit its inputs")
        return rank(self, *arguments, **named)

    monkeypatch.setattr(Model, "rank", fail)

    items, headers = tried.ask(userId=ON_TRIAL)

    assert items
    assert (headers["x-alsolike-degraded"], headers["x-alsolike-arms"]) == ("model-failed", CANDIDATE_ARM)
    assert "x-alsolike-degraded" not in tried.ask(userId=NOT_ON_TRIAL)[1]


def test_canary_continues_while_the_pointer_is_unreadable(tried):
    first(tried, userId=ON_TRIAL)
    tried.put(CHAMPION_KEY, b"damaged")

    assert first(tried, userId=ON_TRIAL) == ("kiwi", "v2", CANDIDATE_ARM)


class TestBesideExperiments:
    def test_canary_does_not_end_other_experiments(self, tried):
        arms = {"control": {"share": 0.001}, "new": {"share": 0.999}}
        tried.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})

        assert first(tried, userId=ON_TRIAL) == ("kiwi", "v2", f"spring/new, {CANDIDATE_ARM}")

    @pytest.mark.parametrize("share", [0.001, 0.999])
    def test_user_in_a_model_experiment_is_not_in_the_canary(self, tried, share):
        arms = {"control": {"share": 1 - share}, "new": {"share": share, "model": "v1"}}
        tried.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})

        assert first(tried, userId=ON_TRIAL)[1:] in (("v1", "spring/control"), ("v1", "spring/new"))
        popular = tried.get("GET /users/{userId}/recommendations", path={"userId": ON_TRIAL}, recommender="popular")
        assert popular["headers"]["x-alsolike-arms"] == CANDIDATE_ARM  # The experiment covers another recommender.

    def test_user_with_the_maximum_number_of_arms_is_not_in_the_canary(self, tried):
        arms = {"control": {"share": 0.5}, "new": {"share": 0.5}}
        each = {"start": "2020-01-01T00:00:00Z", "arms": arms}
        tried.configure(experiments={name: {**each, "layer": name} for name in ("one", "two", "three")})

        item, version, labels = first(tried, userId=ON_TRIAL)

        assert (item, version) == ("fig", "v1")
        assert [label.split("/")[0] for label in labels.split(", ")] == ["one", "two", "three"]
