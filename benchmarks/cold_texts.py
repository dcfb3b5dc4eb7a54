"""`python -m benchmarks.cold_texts SET`: quality of lists of items without interactions; docs/cold-start.md.

The training omits a random share of the items. Only the omitted items are ranked. A user's targets are the omitted
items that the user interacted with. An omitted item is compared with the known items by words, as in the product, by
vectors of words and character n-grams, or by both. The vectors are a truncated SVD of the known items' texts.
"""

from __future__ import annotations

import argparse
import dataclasses
import re
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy.sparse as sp

from alsolike.arrays.ragged import find, hashes_of
from alsolike.catalogue.changes import Change
from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.cold_items import LISTED, ColdItems, ColdScorer
from alsolike.snapshot.sentences import SentenceIndex
from benchmarks.page import write_section
from benchmarks.quality import SHOPS, read_file
from model_export.algorithms.item_knn import ItemKnn
from model_export.data.interactions import Floats, Interactions
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import text_columns
from model_export.data.top_n import best_items
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.ranking import Gains, Hits, Seen, end, mean, open_targets, scored
from model_export.evaluation.splits import Queries

K = 10
PAGE = Path("docs/cold-start.md")
DIMENSIONS, BUCKETS, LENGTHS = 64, 1 << 16, (3, 4, 5)
"""Dimensions of the vectors, number of hashed n-grams, and lengths of n-grams in characters."""

OVERSAMPLING, POWER_STEPS = 16, 2
"""Number of additional dimensions, and number of power steps of the randomised decomposition."""

WEIGHTS = (0.25, 0.5, 1.0)
"""Weights of the vectors' cosine. The weight of the words' cosine is 1 minus this weight."""

Properties = Sequence[Mapping[str, Any]]


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cold_texts", description=__doc__)
    parser.add_argument("name", metavar="set", choices=["ml-100k", *SHOPS])
    parser.add_argument("--interactions", type=Path, help="as in benchmarks.quality")
    parser.add_argument("--items", type=Path, help="as in benchmarks.quality")
    parser.add_argument("--left-out", type=float, default=0.2, metavar="SHARE", help="share of the items; 0.2")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as directory:
            file = read_file(options.name, options.interactions, options.items, Path(directory))
    except InvalidInput as error:
        raise SystemExit(str(error)) from error
    seen: Seen = "allowed" if options.name in SHOPS else "masked"
    section = "\n".join(table(file.interactions, file.properties, left_out=options.left_out, seen=seen))
    write_section(PAGE, f"cold-texts {options.name}", section)
    sys.stdout.write(section + "\n")


def table(interactions: Interactions, properties: Properties, *, left_out: float, seen: Seen) -> Iterator[str]:
    """Yield the lines of a table with the NDCG of each similarity, compared with the similarity of words.

    `left_out` is the share of the items whose interactions the training omits.
    """
    columns = text_columns(properties)
    if not columns:
        raise SystemExit("the items have no column of texts")
    fit, part_properties, queries = hold_out_items(interactions, properties, share=left_out)
    known, unknown = part_properties[: fit.items], part_properties[fit.items :]
    listed = _lists(fit, queries, seen=seen)
    vectors = NgramVectors(_texts(known, columns))
    words = _gains(listed, queries, known, unknown, None)
    yield (
        f"{len(unknown):,} of {len(part_properties):,} items are left out; {len(queries):,} users; texts: "
        f"{', '.join(columns)}."
    )
    yield ""
    yield f"| similarity | NDCG@{K} of left-out items | compared with words | 95% interval |"
    yield "|---|---|---|---|"
    yield f"| words | {mean(words):.4f} | | |"
    for weight in WEIGHTS:
        index = NgramIndex(vectors, columns, weight)
        found = _gains(listed, queries, known, unknown, index)
        low, high = interval(found - words)
        name = "n-gram vectors" if weight == 1 else f"words, and n-gram vectors with weight {weight:g}"
        yield f"| {name} | {mean(found):.4f} | {mean(found) - mean(words):+.4f} | {low:+.4f} to {high:+.4f} |"


def hold_out_items(
    interactions: Interactions, properties: Properties, *, share: float, seed: int = 0
) -> tuple[Interactions, Properties, Queries]:
    """Leave out a random share of the items.

    Returns
    -------
    Interactions
        Interactions with known items. The items are numbered by frequency.
    Properties
        Properties of the known items by number, then of the left-out items.
    Queries
        Users with known and left-out items. The history has the known items, and the targets are the left-out items,
        numbered from 0.
    """
    chosen = np.random.default_rng(seed).permutation(interactions.items)[: round(share * interactions.items)] + 1
    is_out = np.isin(np.arange(interactions.items + 1), chosen)
    order = interactions.select(~is_out[interactions.item]).frequency_order()
    order = np.concatenate([order[~is_out[order]], order[is_out[order]]])
    complete = interactions.renumber(order)
    items = interactions.items - len(chosen)
    is_known = complete.item <= items
    content = None if complete.content is None else sp.csr_array(complete.content[: items + 1])
    fit = dataclasses.replace(complete.select(is_known), items=items, content=content)
    pairs = np.unique(np.stack([complete.user[~is_known], complete.item[~is_known] - items - 1]), axis=1).astype(
        np.int64
    )
    offsets = fit.offsets
    pairs = pairs[:, offsets[pairs[0] + 1] > offsets[pairs[0]]]
    users, first = np.unique(pairs[0], return_index=True)
    ends = offsets[users + 1]
    queries = Queries(
        source=fit,
        starts=offsets[users],
        ends=ends,
        now_ms=fit.time_ms[ends - 1],
        targets=pairs[1],
        target_offsets=np.append(first, pairs.shape[1]).astype(np.int64),
    )
    return fit, [properties[item - 1] for item in order.tolist()], queries


def _lists(fit: Interactions, queries: Queries, *, seen: Seen) -> list[tuple[Any, Floats]]:
    """Return, per user, the `LISTED` known items with the highest scores, best first, and these scores."""
    model, found = ItemKnn().fit(fit), []
    without_targets = dataclasses.replace(
        queries, targets=queries.targets[:0], target_offsets=np.zeros_like(queries.target_offsets)
    )
    for start, chunk in scored(model, queries):
        end(chunk)
        for query, scores in enumerate(chunk, start):
            open_targets(scores, without_targets, query, seen)
            listed = best_items(scores, LISTED)
            found.append((listed, scores[listed]))
    return found


def _gains(
    lists: Sequence[tuple[Any, Floats]],
    queries: Queries,
    known: Properties,
    unknown: Properties,
    sentences: NgramIndex | None,
) -> Gains:
    index = content_index(
        [f"known {number}" for number in range(len(known))],
        item_content(known),
        sentences=cast(SentenceIndex | None, sentences),
    )
    names = [f"new {number}" for number in range(len(unknown))]
    cold = ColdItems.of([Change(name, 0, columns) for name, columns in zip(names, unknown, strict=True)], index)
    scorer = ColdScorer(cold.take(find(cold.hashes, hashes_of([name.encode() for name in names]))), items=len(known))
    hits = Hits(K)
    for query, (listed, scores) in enumerate(lists):
        hits.add(scorer.scores(listed, scores), queries.targets_of(query))
    return hits.gains()


class NgramVectors:
    """Vectors of texts from hashed words and character n-grams: truncated SVD of their TF-IDF.

    References
    ----------
    P. Bojanowski et al., "Enriching word vectors with subword information", TACL 2017, section 3.2 (n-grams, hashing).
    N. Halko, P. Martinsson, J. Tropp, "Finding structure with randomness", SIAM Review 2011, algorithm 4.4.

    Attributes
    ----------
    known
        Vectors of `texts`, float32 `(texts, DIMENSIONS)`. Their norm is 1, or 0 for a text without known n-grams.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        counts = _buckets(texts)
        texts_with = np.bincount(counts.indices, minlength=BUCKETS)
        self._shared = np.flatnonzero(texts_with > 1)  # omit n-grams of a single text
        self._idf = np.log(len(texts) / texts_with[self._shared]).astype(np.float32)
        matrix = self._weighted(counts)  # X (texts, shared)
        sample = np.random.default_rng(0).standard_normal((len(self._shared), DIMENSIONS + OVERSAMPLING), np.float32)
        for _ in range(POWER_STEPS):
            sample, _ = np.linalg.qr(matrix.T @ (matrix @ sample))  # (shared, dimensions)
        _, _, right = np.linalg.svd(matrix @ sample, full_matrices=False)
        self._directions = (sample @ right[:DIMENSIONS].T).astype(np.float32)  # V (shared, DIMENSIONS)
        self.known = self._unit(matrix)

    def embed(self, texts: Sequence[str]) -> Floats:
        return self._unit(self._weighted(_buckets(texts)))

    def _weighted(self, counts: sp.csr_array) -> sp.csr_array:
        weighted = sp.csr_array(counts[:, self._shared])
        weighted.data = self._idf[weighted.indices]
        lengths = np.sqrt(weighted.multiply(weighted).sum(axis=1))
        weighted.data /= np.repeat(np.maximum(lengths, 1e-12), np.diff(weighted.indptr))
        return weighted

    def _unit(self, matrix: sp.csr_array) -> Floats:
        vectors: Floats = matrix @ self._directions
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] < 1e-6] = 0
        vectors /= np.maximum(lengths, np.float32(1e-6))
        return vectors


@dataclasses.dataclass(frozen=True, slots=True)
class NgramIndex:
    """Replacement for `alsolike.snapshot.sentences.SentenceIndex`, with cosines of n-gram vectors."""

    vectors: NgramVectors
    columns: Sequence[str]
    weight: float

    def cosines(self, properties: Properties) -> Floats:
        """Return the cosines of the items' texts with the known items' texts, float32 `(items, known + 1)`.

        Column 0 is padding.
        """
        found = self.vectors.embed(_texts(properties, self.columns)) @ self.vectors.known.T
        return np.pad(found, ((0, 0), (1, 0)))


def _texts(properties: Properties, columns: Sequence[str]) -> list[str]:
    return [" ".join(value for column in columns if isinstance(value := each.get(column), str)) for each in properties]


def _buckets(texts: Sequence[str]) -> sp.csr_array:
    """Return a matrix with 1 in each bucket of a text's words and n-grams, float32 `(texts, BUCKETS)`."""
    rows = [sorted(Counter(_ngrams(text))) for text in texts]
    indices = np.array([bucket for row in rows for bucket in row], np.int32)
    offsets = np.cumsum([0, *map(len, rows)])
    return sp.csr_array((np.ones(len(indices), np.float32), indices, offsets), shape=(len(texts), BUCKETS))


def _ngrams(text: str) -> Iterator[int]:
    """Yield the bucket of each word, enclosed in `<` and `>`, and of each n-gram of such a word."""
    for word in re.findall(r"[^\W_]+", text.lower()):
        bounded = f"<{word}>"
        yield zlib.crc32(bounded.encode()) % BUCKETS
        for length in LENGTHS:
            for start in range(len(bounded) - length + 1):
                yield zlib.crc32(bounded[start : start + length].encode()) % BUCKETS


if __name__ == "__main__":
    main(sys.argv[1:])
