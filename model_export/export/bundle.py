"""Export of a fitted model as a bundle, with a parity check of its graphs."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import alsolike
from alsolike.bundle import bundle, files
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.manifest import Manifest
from alsolike.bundle.public_lists import PublicLists
from alsolike.bundle.related import RelatedTable
from alsolike.bundle.reranker import Reranker, write_reranker
from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.sentences import SentenceModel
from model_export.api import Algorithm, Model
from model_export.data.interactions import Histories, Interactions
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import sentence_index
from model_export.data.training_data import TrainingData
from model_export.evaluation.cold_start import DEFAULT_SCALES
from model_export.evaluation.ranking import history_parameters
from model_export.export import related
from model_export.export.parity import check_parity
from model_export.export.popular_groups import popular_groups, popular_items
from model_export.export.public_lists import public_lists
from model_export.export.top_scores import top_scores
from model_export.export.writer import features_of, write_graphs

PARITY_USERS = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class Provenance:
    """Fields of a bundle's manifest that describe the origin of the model, see `alsolike.bundle.manifest`."""

    version: str
    exclude_seen: bool
    exclude_bought: bool
    created_ms: int
    metrics: Mapping[str, Any]


def export_bundle(
    model: Model,
    data: TrainingData,
    directory: Path,
    provenance: Provenance,
    *,
    popular_by: Algorithm,
    related_tables: Mapping[str, RelatedTable],
    actions: ActionModel,
    reranker: Reranker | None,
    cold_scales: Scales = DEFAULT_SCALES,
    sentences: SentenceModel | None = None,
    with_public_lists: bool = False,
) -> Manifest:
    """Write the bundle. The manifest is written last, after the parity check."""
    directory.mkdir(parents=True, exist_ok=True)
    write_graphs(model, directory)
    parity = check_parity(model, directory, latest_histories(data.interactions, model))
    bundle.write_ids(directory, data.item_ids)
    bundle.write_meta(directory, data.properties)
    content_index(
        data.item_ids,
        item_content(data.properties),
        scales=cold_scales,
        rare_ids=data.unlearned_ids,
        sentences=None if sentences is None else sentence_index(sentences, data.properties),
    ).write(directory / files.CONTENT_FILE)
    popular = popular_items(popular_by, data.interactions)
    bundle.write_popular(directory, popular)
    lists = public_lists(model, data.interactions, popular) if with_public_lists else PublicLists.none(model.items)
    lists.write(directory / files.PUBLIC_FILE)
    groups = popular_groups(data.users, data.profile_ids, data.interactions, popular_by=popular_by)
    groups.write(directory / files.GROUPS_FILE)
    actions.write(directory / files.ACTIONS_FILE)
    write_reranker(reranker, directory / files.RERANKER_FILE)
    _write_related(related_tables, directory)
    return bundle.write_manifest(
        directory,
        Manifest(
            version=provenance.version,
            algorithm=model.settings.name,
            items=model.items,
            history=history_parameters(
                data.interactions,
                model.settings.half_life_days,
                event_weights=data.event_weights,
                features=features_of(directory / files.GRAPH_FILE),
            ),
            exclude_seen=provenance.exclude_seen,
            exclude_bought=provenance.exclude_bought,
            dataset_id=data.dataset_id,
            last_event_ms=data.last_event_ms,
            created_ms=provenance.created_ms,
            code_version=code_version(),
            top_scores=top_scores(
                data.interactions,
                model,
                directory,
                exclude_seen=provenance.exclude_seen,
                exclude_bought=provenance.exclude_bought,
            ),
            metrics={**provenance.metrics, "parity": dataclasses.asdict(parity)},
        ),
    )


def _write_related(tables: Mapping[str, RelatedTable], directory: Path) -> None:
    """Write the tables of related items. The other served files must exist, because they determine the size limit."""
    others = (directory / name for name in files.SERVED_FILES if name != files.RELATED_FILE)
    max_bytes = related.max_bytes(sum(path.stat().st_size for path in others))
    related.related_items(tables, max_bytes=max_bytes).write(directory / files.RELATED_FILE)


def latest_histories(interactions: Interactions, model: Model) -> Histories:
    """Return the histories of up to `PARITY_USERS` evenly spaced users at the time of the data's latest interaction."""
    offsets = interactions.offsets
    users = np.unique(np.linspace(0, interactions.users - 1, PARITY_USERS).astype(np.int64))
    return interactions.histories(
        starts=offsets[users],
        ends=offsets[users + 1],
        now_ms=np.full(len(users), interactions.time_ms.max(), np.int64),
        parameters=history_parameters(interactions, model.settings.half_life_days),
    )


def code_version() -> str:
    """Return 12 hex digits of a hash of the source files of `model_export` and `alsolike`."""
    digest = hashlib.sha256()
    for package in (Path(__file__).parents[1], Path(alsolike.__file__).parent):
        for path in sorted(package.rglob("*.py")):
            digest.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]
