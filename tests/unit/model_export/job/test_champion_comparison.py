import dataclasses
import math

import numpy as np
import pyarrow as pa
import pytest

from alsolike.bundle.bundle import write_manifest
from alsolike.bundle.files import GRAPH_FILE, MANIFEST_FILE
from alsolike.declarations.times import DAY_MS
from model_export.algorithms.popularity import Popularity
from model_export.api import Model
from model_export.data.training_data import encode
from model_export.evaluation import splits
from model_export.evaluation.fit_cache import EarlierFit
from model_export.job.champion_comparison import NOTHING_NEW, Refusal, against_champion
from model_export.job.response_lists import _translated, answers_of
from tests.builders.bundles import MANIFEST
from tests.unit.model_export.champions import HISTORY, ITEMS, PAST, START_MS, champion, shop

SETTINGS = Popularity(trend_half_life_days=math.inf)


def compared(directory, data, *, k=3, seen="allowed", **more):
    found = against_champion(
        directory, data, SETTINGS, k=k, seen=seen, categories=[None] * data.interactions.items, **more
    )
    assert found is not None
    return found


def test_both_models_are_tested_on_interactions_after_the_champions_data(tmp_path):
    data = shop({"old0": ["c", "e"], "old4": ["e"]})
    # The champion ranks e after d, and d before b after a.
    folder = champion(tmp_path / "champion", {("d", "e"): 1.0, ("a", "d"): 0.5, ("a", "b"): 0.25})

    found = compared(folder, data)

    assert (found.version, found.since_ms, found.refusal) == ("v1", START_MS + 3 * DAY_MS, None)
    assert (found.users, found.asked_users, found.targets) == (2, 2, 3)
    assert found.candidate is not None
    assert found.champion is not None
    # Popularity lists a, b, c for both users. old0's target c is third, with two targets. old4's target e is not in the
    # list.
    own = (1 / math.log2(4)) / (1 + 1 / math.log2(3))
    assert found.candidate.ndcg == pytest.approx((own + 0) / 2)
    # The last items of old0 are b, c, d, so e is first. The last items of old4 are b, c, a, so the list is d, b.
    first = 1 / (1 + 1 / math.log2(3))
    assert found.champion.ndcg == pytest.approx((first + 0) / 2)
    assert found.difference == pytest.approx((own - first) / 2)
    assert found.ahead == pytest.approx((own - first, 0.0))
    # The 20 earlier interactions are 6 of a, 5 of b, 5 of c, 4 of d and 0 of e. old0 has a, b, c, d, and old4 has a, b,
    # c, a.
    had = (6 + 5 + 5 + 4) / 4 / 20 + (6 + 5 + 5 + 6) / 4 / 20
    assert found.candidate.popularity == pytest.approx((6 + 5 + 5) / 3 / 20)
    assert found.candidate.popularity_ratio == pytest.approx(2 * (6 + 5 + 5) / 3 / 20 / had)
    assert found.champion.popularity_ratio == pytest.approx((0 / 20 + (4 + 5) / 2 / 20) / had)
    # The candidate lists a, b, c, and the champion e, d, b.
    assert (found.candidate.coverage, found.champion.coverage) == (3 / 5, 3 / 5)


def test_interactions_that_chose_the_settings_are_not_tested(tmp_path):
    """old0's c on day 4 was part of the selection of settings, but e on day 5 was not."""
    data = shop({"old0": ["c", "e"], "old4": ["e"]})
    folder = champion(tmp_path / "champion", {("c", "e"): 1.0})

    found = compared(folder, data, k=1, selected_until_ms=START_MS + 4 * DAY_MS)

    assert (found.since_ms, found.users, found.targets) == (START_MS + 4 * DAY_MS, 1, 1)
    assert found.champion.ndcg == 1.0


def test_tested_model_is_reused_for_an_earlier_fit_of_the_same_data(tmp_path):
    data = shop({"old0": ["c", "e"], "old4": ["e"]})
    folder = champion(tmp_path / "champion", {("c", "e"): 1.0})
    cut_ms = START_MS + 4 * DAY_MS
    tested = SETTINGS.fit(splits.since(data.interactions, after_ms=cut_ms).fit)
    reversed_ = dataclasses.replace(tested, share=tested.share[::-1])

    own, same, other, unused = (
        compared(folder, data, selected_until_ms=cut_ms, earlier=[EarlierFit(model, until_ms)] if model else ())
        for model, until_ms in ((None, 0), (tested, cut_ms), (reversed_, cut_ms), (reversed_, cut_ms - DAY_MS))
    )

    assert own.candidate == same.candidate == unused.candidate
    assert other.candidate != own.candidate


def test_candidate_and_champion_lists_exclude_seen_items_if_the_run_does(tmp_path):
    data = shop({"old0": ["c", "e"], "old4": ["d"]})
    folder = champion(tmp_path / "champion", {("d", "c"): 2.0, ("d", "e"): 1.0, ("a", "b"): 2.0, ("a", "d"): 1.0})

    found = compared(folder, data, k=1, seen="masked")

    assert (found.asked_users, found.targets) == (2, 2)  # c is not a target of old0, who already has it.
    assert found.candidate is not None
    assert found.champion.ndcg == 1.0
    assert found.candidate.ndcg == 0.5  # d is the most popular remaining item for old4. e is not in the model.


@dataclasses.dataclass(frozen=True, kw_only=True)
class ScoresAll(Model):
    def score(self, histories):
        return np.tile(np.arange(self.items + 1, dtype=np.float32), (len(histories), 1))

    def export(self, graph):
        raise NotImplementedError


def test_candidate_lists_lack_items_without_interactions_in_its_data():
    data = shop({"old0": ["e"]})  # e has interactions only after the part's training data.
    part = splits.since(data.interactions, after_ms=START_MS + 3 * DAY_MS)

    lists = answers_of(ScoresAll(settings=SETTINGS, items=5), part, k=5, seen="allowed")

    names = [data.item_ids[part.order[position - 1] - 1] if position else None for position in lists[0]]
    assert names == ["d", "c", "b", "a", None]


def test_new_users_are_tested_after_their_first_interaction(tmp_path):
    data = shop({}, late={"new": ["a", "d"], "newer": ["a"]})  # The user newer has no target.
    folder = champion(tmp_path / "champion", {("a", "d"): 1.0})

    found = compared(folder, data, k=1)

    assert (found.asked_users, found.champion.ndcg) == (1, 1.0)
    assert (found.slices["new users"].users, found.slices["new users"].champion) == (1, 1.0)


def test_user_unknown_to_a_model_has_an_empty_list(tmp_path):
    data = shop({}, late={"new": ["e", "a"]})  # e is not in the model. Serving would return popular items.
    folder = champion(tmp_path / "champion", {(item, "a"): 1.0 for item in ("a", "b")}, item_ids=("a", "b"))

    found = compared(folder, data)

    assert found.champion is not None
    assert (found.asked_users, found.candidate.ndcg, found.candidate.coverage) == (1, 0.0, 0.0)
    assert (found.champion.ndcg, found.champion.coverage) == (0.0, 0.0)


def test_champion_without_any_known_item_has_no_hits(tmp_path):
    data = shop({"old0": ["a"], "old1": ["b"]})
    folder = champion(tmp_path / "champion", {("x", "y"): 1.0}, item_ids=("x", "y"))

    found = compared(folder, data)

    assert (found.asked_users, found.champion.ndcg, found.champion.coverage) == (2, 0.0, 0.0)
    assert found.champion.popularity_ratio == 0.0
    assert found.ahead[0] > 0


def test_removed_item_keeps_its_rank_in_the_champion_list(tmp_path):
    data = shop({"old0": ["e"]})
    folder = champion(tmp_path / "champion", {("d", "gone"): 2.0, ("d", "e"): 1.0}, item_ids=(*ITEMS, "gone"))

    found = compared(folder, data)

    assert found.champion.ndcg == pytest.approx(1 / math.log2(3))
    assert found.champion.coverage == 1 / 5  # The list contains e.
    assert found.champion.popularity == 0.0  # Neither item has interactions.


def test_slices_have_metrics_of_both_models_and_intervals(tmp_path):
    data = shop({f"old{user}": ["e"] for user in range(3)} | {"old3": ["a"]})
    folder = champion(tmp_path / "champion", {("d", "e"): 1.0})

    found = compared(folder, data)

    assert {name: each.users for name, each in found.slices.items()} == {
        "users with 2 to 5 interactions": 4,
        "items without interactions": 3,
    }
    unheard = found.slices["items without interactions"]
    assert (unheard.candidate, unheard.champion, unheard.ahead) == (0.0, 1.0, (-1.0, -1.0))


def require_another_input(folder):
    """Replace the graph by one with an additional input."""
    manifest = dataclasses.replace(MANIFEST, version="v1", last_event_ms=START_MS + 3 * DAY_MS)
    (folder / GRAPH_FILE).write_bytes((folder / "graph.bias.onnx").read_bytes())
    write_manifest(folder, dataclasses.replace(manifest, items=5, history=HISTORY))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / GRAPH_FILE).write_bytes(b"no graph"), "graph.onnx is"),
        (lambda folder: (folder / MANIFEST_FILE).unlink(), "has no manifest.json"),
        (lambda folder: (folder / "graph.data").unlink(), "graph.data is missing"),
        (require_another_input, "does not run"),
    ],
)
def test_champion_that_cannot_be_opened_is_recorded_with_the_reason(damage, message, tmp_path):
    folder = champion(tmp_path / "champion", {})
    damage(folder)

    found = compared(folder, shop({"old0": ["a"]}))

    assert found.refusal == Refusal.BROKEN
    assert message in str(found.reason)
    assert found.candidate is None
    assert (found.document(k=3)["refusal"], found.document(k=3)["reason"]) == ("broken", found.reason)


def test_missing_new_interactions_are_recorded(tmp_path):
    found = compared(champion(tmp_path / "champion", {}), shop({}))

    assert (found.refusal, found.users, found.asked_users) == (Refusal.NOTHING_NEW, 0, 0)
    assert found.sentence(k=3) == f"champion v1 is not compared: {NOTHING_NEW}"


def test_too_little_data_before_the_champions_last_event_is_recorded(tmp_path):
    folder = champion(tmp_path / "champion", {}, last_event_ms=START_MS)

    found = compared(folder, shop({}))

    assert found.reason == "the data has 5 interactions up to the champion's last event, a fit needs 20"
    assert found.users == 5


def test_many_users_are_sampled(tmp_path, monkeypatch):
    monkeypatch.setattr("model_export.evaluation.paired_comparison.MAX_TEST_USERS", 2)
    data = shop({user: ["a"] for user in PAST})

    found = compared(champion(tmp_path / "champion", {("d", "a"): 1.0}), data)

    assert (found.users, found.asked_users) == (5, 2)


def test_missing_champion_gives_no_comparison(tmp_path):
    data = shop({})

    assert against_champion(tmp_path / "champion", data, SETTINGS, k=3, seen="allowed", categories=[None] * 5) is None


def test_weights_are_translated_to_those_of_the_champion():
    types = pa.chunked_array([["purchase", "view", "click", "like", "purchase", None]], pa.string())
    rows, *_ = encode(
        user_ids=pa.chunked_array([["anna"] * 6]),
        item_ids=pa.chunked_array([ITEMS[:1] * 6]),
        time_ms=np.arange(6),
        weight=np.array([5, 1, 2, 2, 3, 4]),
        features={"event_type": types},
    )

    own, champions = {"purchase": 5, "view": 1, "click": 2, "like": 2}, {"purchase": 10, "click": 4, "like": 7}
    found = _translated(rows, own, champions)

    assert np.array_equal(found, np.array([10, np.nan, 4, 7, 6, 4], np.float32), equal_nan=True)
