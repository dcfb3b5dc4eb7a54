"""Check of purchases since the champion's training, before a model that was trained on them starts a canary."""

import random

import pytest

from alsolike.bundle.bundle import Bundle
from model_export.algorithms.transitions import Transitions
from model_export.evaluation.budget import FITS
from model_export.job.new_data import Foreseen
from tests.unit.functions.register_model.generations import failed, judged, trained
from tests.unit.model_export.shops import random_sequences

USERS, ITEMS, DAYS, CHAMPIONS_DAYS = 60, 40, 44, 40
OLD_CHAMPIONS_DAYS = 32
"""Days in the old champion's data. The remaining days are more than two hold-outs of a tenth of the days."""


@pytest.fixture(scope="module")
def walks():
    """Return random sequences of users through two cycles of 40 items, mostly in order."""
    return {
        f"user{user:02d}": [f"item{item:02d}" for item in sequence]
        for user, sequence in enumerate(random_sequences(users=USERS, items=ITEMS, length=DAYS))
    }


@pytest.fixture(scope="module")
def champion(walks, tmp_path_factory):
    early = {user: items[:CHAMPIONS_DAYS] for user, items in walks.items()}
    return trained(tmp_path_factory.mktemp("champion"), early, version="champion")


def drawn(rng):
    return f"item{rng.randrange(ITEMS) + 1:02d}"


def random_purchases(walks, *, since_day):
    """Replace each user's purchases from a day on by random purchases."""
    rng = random.Random(0)
    return {user: [*items[:since_day], *(drawn(rng) for _ in items[since_day:])] for user, items in walks.items()}


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


def test_random_new_purchases_are_rejected(walks, champion, tmp_path):
    candidate = trained(tmp_path, random_purchases(walks, since_day=CHAMPIONS_DAYS), version="next", champion=champion)

    checks = judged(candidate, champion)

    assert not checks["new data"].passed
    assert "predictability falls significantly by more than 80%" in checks["new data"].figures
    found = Foreseen(**new_data(candidate)["foreseen"])
    assert found.before > 0.2
    assert found.now < 0.1


@pytest.fixture(scope="module")
def old_champion(walks, tmp_path_factory):
    early = {user: items[:OLD_CHAMPIONS_DAYS] for user, items in walks.items()}
    return trained(tmp_path_factory.mktemp("old"), early, version="champion")


def test_random_purchases_since_an_old_champion_are_rejected(walks, old_champion, tmp_path):
    purchases = random_purchases(walks, since_day=OLD_CHAMPIONS_DAYS)

    candidate = trained(tmp_path, purchases, version="next", champion=old_champion)

    found = Foreseen(**new_data(candidate)["foreseen"])
    assert found.before_until_ms == Bundle(old_champion).manifest.last_event_ms
    assert found.before > 0.2
    assert found.now < 0.1
    check = judged(candidate, old_champion)["new data"]
    assert not check.passed
    assert "predictability falls significantly by more than 80%" in check.figures


def test_ordinary_new_data_since_an_old_champion_passes(walks, old_champion, tmp_path):
    candidate = trained(tmp_path, walks, version="next", champion=old_champion)

    assert failed(judged(candidate, old_champion)) == []
    assert new_data(candidate)["foreseen"]["before_users"] == USERS
