"""The gate's check of new data, and models that are trained and compared one after the other."""

import dataclasses
import random

import pytest

from alsolike.bundle.bundle import Bundle
from alsolike.declarations.times import DAY_MS
from alsolike.declarations.training import FITS
from functions.register_model.gate import judge
from functions.register_model.limits import GateLimits
from functions.register_model.serving_check import serving_checks
from model_export.algorithms.transitions import Transitions
from model_export.job.hyperparameters import Hyperparameters
from model_export.job.new_data import Foreseen
from model_export.job.train import train
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.register_model.candidates import CHAMPION, checks, compared
from tests.unit.model_export.shops import random_sequences, write_dataset

NEW_DATA = {
    "since_ms": NOW_MS - DAY_MS,
    "half_ms": NOW_MS - DAY_MS // 2,
    "interactions": 400,
    "taught": {"users": 60, "candidate": 0.20, "champion": 0.20, "ahead": [-0.02, 0.02]},
    "foreseen": {"before_users": 50, "before": 0.18, "users": 60, "now": 0.17, "difference": [-0.04, 0.02]},
}


def judged_new_data(*, taught=None, foreseen=None, **limits):
    found = {
        **NEW_DATA,
        "taught": {**NEW_DATA["taught"], **(taught or {})},  # type: ignore[dict-item]
        "foreseen": {**NEW_DATA["foreseen"], **(foreseen or {})},  # type: ignore[dict-item]
    }
    return checks(with_new_data(found), CHAMPION, **limits)["new data"]


def with_new_data(found):
    candidate = compared()
    return dataclasses.replace(candidate, metrics={**candidate.metrics, "new_data": found})


def test_new_data_similar_to_earlier_data_passes_with_figures():
    assert str(judged_new_data()) == (
        "passed: new data: 400 interactions are new; trained on half of them, ndcg is 0.2000 on the rest, "
        "champion 0.2000, 60 users; ndcg above random lists is 0.1700, in an earlier period of the same length 0.1800"
    )


@pytest.mark.parametrize(
    ("candidate", "ahead", "passed"),
    [
        (0.15, [-0.07, -0.03], False),
        (0.15, [-0.12, 0.02], True),  # The fall may be random.
        (0.15, [-0.1, 0.0], True),  # The fall may be random, because the interval touches zero.
        (0.198, [-0.003, -0.001], True),  # The fall is significant, but within the margin.
        (0.196, [-0.012, -0.002], True),  # The value is exactly at the margin of 2% below 0.2.
        (0.195, [-0.012, -0.002], False),
    ],
)
def test_new_data_that_lowers_ndcg_significantly_fails(candidate, ahead, passed):
    check = judged_new_data(taught={"candidate": candidate, "ahead": ahead})

    assert check.passed == passed
    assert check.figures.endswith("; training on them lowers ndcg significantly by more than 2%") == (not passed)


@pytest.mark.parametrize(
    ("now", "difference", "passed"),
    [
        (0.03, [-0.19, -0.11], False),
        (-0.01, [-0.22, -0.16], False),
        (0.03, [-0.35, 0.05], True),
        (0.05, [-0.17, -0.09], True),  # The fall is less than four fifths.
        (0.0359, [-0.17, -0.09], False),  # The value is below 0.036, which is 0.18 less 80%.
        (0.0361, [-0.17, -0.09], True),
    ],
)
def test_new_data_with_significantly_lower_predictability_fails(now, difference, passed):
    check = judged_new_data(foreseen={"now": now, "difference": difference})

    assert check.passed == passed
    assert check.figures.endswith("; predictability falls significantly by more than 80%") == (not passed)


def test_new_data_without_earlier_predictability_passes():
    assert judged_new_data(foreseen={"before": -0.01, "now": -0.02, "difference": [-0.02, -0.001]}).passed
    assert judged_new_data(foreseen={"before": 0.0, "now": -0.02, "difference": [-0.02, -0.001]}).passed


def test_missing_comparison_is_omitted_from_the_figures():
    check = checks(with_new_data({**NEW_DATA, "taught": None}), CHAMPION, min_compared_users=1)["new data"]

    assert check.figures == (
        "400 interactions are new; ndcg above random lists is 0.1700, in an earlier period of the same length 0.1800"
    )


def test_new_data_with_too_few_users_pass():
    check = judged_new_data(
        taught={"candidate": 0.1, "ahead": [-0.12, -0.08]}, foreseen={"now": 0.0}, min_compared_users=61
    )

    assert check.passed
    assert check.figures == "400 interactions are new; fewer than 61 users could be compared"


@pytest.mark.parametrize("few", ["before_users", "users"])
def test_predictability_with_too_few_users_in_one_period_passes(few):
    check = judged_new_data(foreseen={few: 29, "now": 0.0, "difference": [-0.22, -0.16]})

    assert check.passed
    assert "was not compared with an earlier period: fewer than 30 users in one of them" in check.figures
    assert not judged_new_data(foreseen={few: 30, "now": 0.0, "difference": [-0.22, -0.16]}).passed


def test_fall_limit_of_100_percent_accepts_chance_level():
    found = {"now": 0.0, "difference": [-0.22, -0.16]}

    assert judged_new_data(foreseen=found, max_fall_percent=100).passed
    assert not judged_new_data(foreseen=found, max_fall_percent=99).passed


LIMITS = GateLimits(gate_min_interactions=100)
USERS, ITEMS, DAYS, CHAMPIONS_DAYS = 60, 40, 44, 40


def shuffled(walks, *, days):
    """Return walks whose first days are shuffled across users. Popularity remains the same, but the order is lost."""
    early = [item for items in walks.values() for item in items[:days]]
    random.Random(0).shuffle(early)
    return {
        user: [*early[number * days : (number + 1) * days], *items[days:]]
        for number, (user, items) in enumerate(walks.items())
    }


def trained(folder, walks, *, version, champion=None, lines=None):
    dataset = write_dataset(folder / f"{version}-data", walks)
    if champion is not None:
        (dataset / "champion").symlink_to(champion)
    output = folder / version
    train(
        dataset=dataset,
        output=output,
        hyperparameters=Hyperparameters(run_id=version, algorithms="popularity,transitions"),
        now_ms=0,
        say=[].append if lines is None else lines.append,
    )
    return output


def random_walks(*, users, items, days):
    """Return one random sequence per user, in which the item with the next number often follows."""
    sequences = random_sequences(users=users, items=items, length=days)
    return {f"user{user:02d}": [f"item{item:02d}" for item in sequence] for user, sequence in enumerate(sequences)}


def judged(candidate, champion=None):
    bundle = Bundle(candidate)
    manifest = Bundle(champion).manifest if champion else None
    checks = judge(
        bundle.manifest,
        run_id=bundle.manifest.version,
        champion=manifest.version if manifest else None,
        champion_manifest=manifest,
        limits=LIMITS,
        now_ms=0,
    )
    return {check.name: check for check in (*checks, *serving_checks(bundle, limits=LIMITS))}


def failed(checks):
    return [str(check) for check in checks.values() if not check.passed]


@pytest.fixture(scope="module")
def walks():
    return random_walks(users=USERS, items=ITEMS, days=DAYS)


@pytest.fixture(scope="module")
def champion(walks, tmp_path_factory):
    early = {user: items[:CHAMPIONS_DAYS] for user, items in walks.items()}
    return trained(tmp_path_factory.mktemp("champion"), early, version="champion")


def random_purchases(walks, *, since_day):
    """Return the walks with random items from the day `since_day` on."""
    rng = random.Random(0)
    return {
        user: [*items[:since_day], *(f"item{rng.randrange(ITEMS) + 1:02d}" for _ in items[since_day:])]
        for user, items in walks.items()
    }


def new_data(bundle):
    return Bundle(bundle).manifest.metrics["new_data"]


def test_ordinary_new_data_passes_with_five_fits(walks, champion, tmp_path, monkeypatch):
    lines: list[str] = []
    fits: list[int] = []
    fit = Transitions.fit

    def counted(settings, data):
        fits.append(len(data))
        return fit(settings, data)

    monkeypatch.setattr(Transitions, "fit", counted)

    candidate = trained(tmp_path, walks, version="next", champion=champion, lines=lines)

    checks = judged(candidate, champion)
    assert failed(checks) == []
    assert checks["new data"].values["taught"]["users"] == USERS
    found = new_data(candidate)
    assert found["interactions"] == USERS * (DAYS - CHAMPIONS_DAYS)
    assert found["foreseen"]["now"] == pytest.approx(found["foreseen"]["before"], abs=0.1)
    # The fits end at validation, test, champion, half of the new data, and the end of all data.
    assert sorted({size // USERS for size in fits}) == [35, 39, 40, 42, 44]
    assert len(fits) == FITS
    assert any(line.startswith("240 interactions are new; trained on half of them, ndcg@10 is ") for line in lines)


def test_random_purchases_since_the_champion_are_rejected(walks, champion, tmp_path):
    random_items = random_purchases(walks, since_day=CHAMPIONS_DAYS)

    candidate = trained(tmp_path, random_items, version="next", champion=champion)

    check = judged(candidate, champion)["new data"]
    assert not check.passed
    assert "predictability falls significantly by more than 80%" in check.figures
    predictability = Foreseen(**new_data(candidate)["foreseen"])
    assert predictability.before > 0.2
    assert predictability.now < 0.1


@pytest.fixture(scope="module")
def short_walks():
    return random_walks(users=80, items=20, days=14)


def against(bundle):
    return Bundle(bundle).manifest.metrics["against_champion"]


def test_worse_candidate_is_rejected_and_a_better_one_passes(tmp_path, short_walks):
    early = {user: items[:10] for user, items in short_walks.items()}
    good = trained(tmp_path, early, version="good")
    poor = trained(tmp_path, shuffled(early, days=10), version="poor")
    lines: list[str] = []

    # The champion's last day is not shuffled, so that the evaluation uses the real last items of its users.
    garbled = shuffled(short_walks, days=9)

    worse = trained(tmp_path, garbled, version="worse", champion=good, lines=lines)
    better = trained(tmp_path, short_walks, version="better", champion=poor)
    steady = trained(tmp_path, short_walks, version="steady", champion=good)

    assert failed(judged(good)) == []
    refused = judged(worse, good)["against the champion"]
    assert not refused.passed
    assert refused.values["ahead_interval"][1] < 0
    assert refused.values["asked_users"] > 70
    (comparison,) = [line for line in lines if line.startswith("against champion good, by ")]
    assert "ahead -" in comparison
    assert failed(judged(better, poor)) == []
    assert judged(better, poor)["against the champion"].figures.startswith("significantly better: ")
    # The lists are as good as those of the champion, and the candidate is newer.
    assert against(steady)["difference"] == pytest.approx(0, abs=0.02)
    assert failed(judged(steady, good)) == []
