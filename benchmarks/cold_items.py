"""Cost of cold items, which the champion was not trained on: per request, per publication and per new champion.

The sentence model is synthetic and has the size of a small public model. `ALSOLIKE_SENTENCE_MODEL=FOLDER` selects
another model.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import orjson
from tokenizers import Tokenizer, models, pre_tokenizers

from alsolike.arrays.ragged import Ragged, hashes_of
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.content_index import NEIGHBOURS, ContentIndex
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.sentences import SentenceModel
from alsolike.snapshot.snapshot import Snapshot
from benchmarks.lambda_call import CONTEXT, quiet
from benchmarks.measure import Result, cpu_medians_ms
from benchmarks.recommending import dependencies_of, history_of, segment, write_bundle
from benchmarks.snapshot import COLUMNS, NOW_MS, DiskStore, item
from functions.publish_catalog.cold_publisher import ChampionContent, ChampionContents, ColdPublisher
from functions.recommend import dispatch, handler
from functions.recommend.dependencies import Dependencies
from functions.recommend.state.model import Model
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import ENVIRONMENT_VARIABLE, open_model, sentence_index

ITEMS = 20_000
KNOWN = 100_000
COLD = (10_000, 100_000)
TOKENS, DIMENSIONS = 30_000, 256
"""Number of tokens and dimensions of the synthetic sentence model."""


def cold_items() -> Iterator[Result]:
    with tempfile.TemporaryDirectory(prefix="alsolike-bench-") as directory:
        yield from _requests(Path(directory))
        yield from _publications(Path(directory))


def _requests(directory: Path) -> Iterator[Result]:
    write_bundle(ITEMS, directory)
    model, recent = Model(directory), history_of(ITEMS)
    new = [Change(f"new{number}", 0, {"price": 1 + number % 2}) for number in range(COLD[0])]
    segments = [segment(ITEMS), Segment.of(new, {"price": ColumnType.NUMBER})]
    cold = Snapshot(segments, version="cold", cold=_random_cold_items(new), cold_model=model.version)
    with_cold = dependencies_of(model, cold, recent)
    without = dependencies_of(model, Snapshot(segments, version="none"), recent)
    for case, fields in (
        ("request", {}),
        ("filtered request", {"filterArn": "arn:aws:personalize:eu-west-1:123456789012:filter/price"}),
    ):
        event = {"routeKey": "POST /recommendations", "body": orjson.dumps({"userId": "anna", **fields}).decode()}

        def answer(dependencies: Dependencies, event: dict[str, str] = event) -> None:
            setattr(dispatch, "current_dependencies", lambda: dependencies)  # noqa: B010
            handler.lambda_handler(event, CONTEXT)

        with quiet():
            medians = cpu_medians_ms(
                {"with": lambda: answer(with_cold), "without": lambda: answer(without)}, rounds=30, repeats=40
            )
        yield Result(
            "cold_items",
            f"{case}, {COLD[0]:,} cold items next to {ITEMS:,}",
            medians["with"],
            "the same without cold items",
            medians["without"],
            note=f"{medians['with'] - medians['without']:+.2f} ms",
        )


def _publications(directory: Path) -> Iterator[Result]:
    known = [item(number) for number in range(KNOWN)]
    content = item_content([change.properties or {} for change in known])
    index = content_index([change.entity_id for change in known], content)
    for count in COLD:
        yield from _publication(DiskStore(directory / f"catalog{count}"), index, count)
    yield from _sentences(directory, index, [change.properties or {} for change in known])


def _sentences(directory: Path, index: ContentIndex, known: Sequence[Mapping[str, Any]]) -> Iterator[Result]:
    folder = os.environ.get(ENVIRONMENT_VARIABLE)
    model = open_model(Path(folder), known) if folder else _synthetic_model()
    with_sentences = dataclasses.replace(index, sentences=sentence_index(model, known))
    paths = {"with": directory / "with.tensors", "without": directory / "without.tensors"}
    for each, path in zip((with_sentences, index), paths.values(), strict=True):
        each.write(path)
    size = f"{len(model.table):,} tokens, {model.dimensions} dimensions"
    medians = cpu_medians_ms(
        {name: functools.partial(ContentIndex.map, path) for name, path in paths.items()}, rounds=5
    )
    sizes = {name: path.stat().st_size / 1e6 for name, path in paths.items()}
    yield Result(
        "cold_items",
        f"open the index of {KNOWN:,} items with a sentence model of {size}",
        medians["with"],
        "the same without",
        medians["without"],
        note=f"{sizes['with']:.0f} MB, without {sizes['without']:.0f} MB",
    )
    for count in (1, 1_000):
        new = [item(KNOWN + number) for number in range(count)]
        medians = cpu_medians_ms(
            {
                "with": functools.partial(ColdItems.of, new, with_sentences),
                "without": functools.partial(ColdItems.of, new, index),
            },
            rounds=30 if count == 1 else 1,
        )
        yield Result(
            "cold_items",
            f"compare {count:,} cold items with {KNOWN:,}, texts too",
            medians["with"],
            "words alone",
            medians["without"],
            note=f"{len(with_sentences.sentences.vectors) - 1:,} items have vectors"
            if with_sentences.sentences
            else "",
        )


def _publication(store: DiskStore, index: ContentIndex, count: int) -> Iterator[Result]:
    contents = cast(ChampionContents, _Champion(ChampionContent("v1", index)))
    publisher, cold_publisher = SnapshotPublisher(store), ColdPublisher(store, contents)
    items = (item(number) for number in range(KNOWN + count))
    publisher.publish_all(items, columns=COLUMNS, version=0, now_ms=NOW_MS)
    snapshot = Snapshot.open([store.fetch(entry) for entry in store.stored.manifest.segments], version="")

    def recount() -> None:
        without_cold = dataclasses.replace(store.stored.manifest, cold_model="")
        store.stored = dataclasses.replace(store.stored, manifest=without_cold)
        cold_publisher.publish((), now_ms=NOW_MS)

    def read() -> None:
        rows = snapshot.live_rows()
        for row in rows[~index.knows(snapshot.hashes(rows))].tolist():
            snapshot.properties(row)

    medians = cpu_medians_ms({"all": recount, "read": read}, rounds=1)
    yield Result(
        "cold_items",
        f"new champion of {KNOWN:,} items: compare {count:,} cold ones",
        medians["all"],
        "reading the columns of as many",
        medians["read"],
        note="S3 left out",
    )
    clock = itertools.count(1)

    def publish() -> Change:
        at = next(clock)
        changed = Change(f"item{KNOWN}", NOW_MS + at, item(KNOWN + at).properties)
        publisher.publish([changed], columns=COLUMNS, version=0, now_ms=NOW_MS)
        return changed

    medians = cpu_medians_ms(
        {"with": lambda: cold_publisher.publish([publish()], now_ms=NOW_MS), "without": publish}, rounds=30
    )
    cold = store.stored.manifest.cold
    yield Result(
        "cold_items",
        f"publish 1 changed item of {count:,} cold ones",
        medians["with"],
        "the same without cold items",
        medians["without"],
        note=f"S3 left out; {cold.size_bytes / 1e6:.1f} MB are written" if cold else "",
    )


def _synthetic_model() -> SentenceModel:
    """Return a model with a random vector per number and none for words. Only equal numbers are similar."""
    words = {str(number): number for number in range(TOKENS - 1)} | {"?": TOKENS - 1}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="?"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.random.default_rng(0).standard_normal((TOKENS, DIMENSIONS), np.float32)
    table[-1] = 0
    return SentenceModel(columns=["brand", "categoryL2"], table=table, tokenizer=tokenizer.to_str())


@dataclasses.dataclass(frozen=True)
class _Champion:
    """`ChampionContents` whose champion never changes."""

    content: ChampionContent

    def current(self) -> ChampionContent:
        return self.content


def _random_cold_items(changes: list[Change]) -> ColdItems:
    rng = np.random.default_rng(0)
    hashes = hashes_of([change.entity_id.encode() for change in changes])
    return ColdItems(
        hashes=np.sort(hashes),
        updated_at_ms=np.zeros(len(changes), np.int64),
        tie_breaks=np.zeros(len(changes), np.uint32),
        neighbours=Ragged.from_codes(
            [NEIGHBOURS] * len(changes), rng.integers(1, ITEMS + 1, NEIGHBOURS * len(changes), np.int32)
        ),
        weights=np.full(NEIGHBOURS * len(changes), 1 / NEIGHBOURS, np.float32),
    )
