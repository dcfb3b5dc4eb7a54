"""Filter that two of 20,000 items pass, with a real graph."""

import math

import numpy as np
import pytest

from alsolike.bundle import bundle, files
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.bundle.popular_groups import PopularGroups
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import KINDS, RelatedItems
from alsolike.bundle.reranker import write_reranker
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import DEFAULT, ColumnType, Configuration
from alsolike.profiles.profile import RecentInteraction
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.masks import filter_inputs
from functions.recommend.ranking.for_you import rank
from functions.recommend.resolve import OWN_RULES, resolve
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Model
from functions.recommend.state.serving_state import ServingState
from model_export.data.interactions import Histories
from model_export.data.item_content import content_index, item_content
from model_export.export.writer import write_graphs
from tests.builders.lambda_events import NOW_MS
from tests.builders.related import related_table
from tests.unit.model_export.embeddings import Embeddings

ITEMS = 20_000
NEW = (4_711, 17_003)
SEEN = 9_000
IDS = [f"item{position}" for position in range(1, ITEMS + 1)]
FILTERS = {
    "of-two": f'INCLUDE ItemID WHERE Items.ITEM_ID IN ("item{NEW[0]}", "item{NEW[1]}")',
    "new": "INCLUDE ItemID WHERE Items.LAUNCHED > NOW - 1 DAY",
    "liked": "INCLUDE ItemID WHERE Items.TAGS IN CurrentUser.LIKES",
    "seen": 'INCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("*") | INCLUDE ItemID WHERE Items.LAUNCHED > NOW - 1 DAY',
}


@pytest.fixture(scope="module")
def embeddings():
    return Embeddings.random(items=ITEMS, dimensions=16)


@pytest.fixture(scope="module")
def model(embeddings, tmp_path_factory):
    directory = tmp_path_factory.mktemp("bundle")
    write_graphs(embeddings, directory)
    bundle.write_ids(directory, IDS)
    bundle.write_meta(directory, [{} for _ in IDS])
    bundle.write_popular(directory, np.arange(1, 101))
    PopularGroups([]).write(directory / files.GROUPS_FILE)
    nothing = related_table([[] for _ in IDS])
    RelatedItems(dict.fromkeys(KINDS, nothing)).write(directory / files.RELATED_FILE)
    ActionModel.none().write(directory / files.ACTIONS_FILE)
    write_reranker(None, directory / files.RERANKER_FILE)
    PublicLists.none(ITEMS).write(directory / files.PUBLIC_FILE)
    content_index(IDS, item_content([{} for _ in IDS])).write(directory / files.CONTENT_FILE)
    parameters = HistoryParameters(100, math.inf, dict(DEFAULT.event_weights))
    bundle.write_manifest(directory, Manifest("v1", "embeddings", ITEMS, parameters, False, "v1", 0, 0, "0", {}))
    return Model(directory)


@pytest.mark.parametrize("name", FILTERS)
def test_all_items_that_pass_a_rare_filter_are_sorted_by_score(embeddings, model, name):
    configuration = Configuration(filters=FILTERS)
    changes = [
        Change(item_id, 0, {"launched": NOW_MS / 1000 - (0 if new else 90_000), "tags": ["new" if new else "old"]})
        for item_id, new in ((item_id, position in NEW) for position, item_id in enumerate(IDS, start=1))
    ]
    columns = {"launched": ColumnType.TIMESTAMP, "tags": ColumnType.LIST}
    catalogue = ModelCatalogue(Snapshot([Segment.of(changes, columns)], version="1"), model, configuration)
    recent = (RecentInteraction(NOW_MS - 5, "e", IDS[SEEN - 1], "view"),)
    positions = catalogue.positions([recent[0].item_id])
    request = RecommendationRequest("anna", num_results=25, filter_name=name)

    resolved = resolve(request, ServingState(model, catalogue, configuration), rules=OWN_RULES, now_ms=NOW_MS)
    inputs = filter_inputs(resolved.filter, resolved, recent, positions, lambda: {"likes": ["new"]})
    mask = catalogue.mask(resolved.filter.filter, inputs, name=name)
    found = rank(model, catalogue, model.history(recent, positions), [mask], k=25, now_ms=NOW_MS)

    scores = embeddings.score(Histories(items=np.array([[SEEN]]), weights=np.ones((1, 1), np.float32)))[0]
    passing = [*NEW, SEEN] if name == "seen" else [*NEW]
    assert [item.position for item in found] == sorted(passing, key=lambda position: -scores[position])
