"""Sentence models, which embed the texts of items; see `alsolike.snapshot.sentences`.

A model is a folder with a static model in the format of `model2vec` or `sentence-transformers`. Nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.sentences import SentenceIndex, SentenceModel
from alsolike.training.drift_reference import MIN_FILLED_SHARE, category_of
from model_export.data.interactions import Floats

ENVIRONMENT_VARIABLE = "ALSOLIKE_SENTENCE_MODEL"
"""Environment variable with the model's folder."""

MAX_VALUES = 2**24
"""Maximum number of values in all item vectors, which bounds the time of a search. If there are more items, only the
most frequent have a vector.
"""

MAX_TABLE_VALUES = 2**25
"""Maximum number of values in the token vectors. They take 67 MB in the bundle, and twice as much in memory."""

BATCH_ITEMS = 8_192
PROBE_ITEMS = 20
"""Number of most frequent items whose texts form the probe, with which a reader of the index verifies the tokenizer."""

Properties = Sequence[Mapping[str, Any]]


def open_model(folder: Path, properties: Properties) -> SentenceModel:
    """Raise `InvalidInput` if the model cannot be used, or if no property of the items has texts."""
    message = f"the sentence model is {str(folder)!r}, expected a folder that model2vec reads"
    try:
        if not folder.is_dir():
            raise InvalidInput(f"{message}; {'it is a file' if folder.exists() else 'there is no such folder'}")
    except OSError as error:
        raise InvalidInput(f"{message}: {error}") from error
    try:
        from model2vec import StaticModel
    except ImportError as error:
        raise InvalidInput(
            f"The sentence model {folder} needs the extra 'sentences' ({error}). "
            "Install it with `pip install 'alsolike[sentences]'`."
        ) from error
    columns = text_columns(properties)
    if not columns:
        names = ", ".join(sorted({name for each in properties for name in each})) or "none"
        raise InvalidInput(f"the sentence model {folder} needs a column of texts; the items' columns are {names}")
    try:
        found = StaticModel.from_pretrained(folder)
    except Exception as error:  # a dependency of model2vec raises plain Exception
        raise InvalidInput(f"{message}: {type(error).__name__}: {error}") from error
    tokenizer = found.tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return SentenceModel(columns=columns, table=_table(found, folder), tokenizer=tokenizer.to_str())


def described(model: SentenceModel) -> str:
    return (
        f"sentence model: {len(model.table):,} tokens in {model.dimensions} dimensions; an item's text is "
        f"{', '.join(model.columns)}"
    )


def sentence_index(model: SentenceModel, properties: Properties) -> SentenceIndex:
    """Return the index of the first items, as many as `MAX_VALUES` allows. `properties` are sorted by descending
    frequency, so that the most frequent items have vectors.
    """
    first_items = properties[: MAX_VALUES // model.dimensions]
    texts = filter(None, (model.text(columns) for columns in first_items[:PROBE_ITEMS]))
    batches = (first_items[start : start + BATCH_ITEMS] for start in range(0, len(first_items), BATCH_ITEMS))
    return SentenceIndex(
        model=model,
        vectors=np.concatenate([np.zeros((1, model.dimensions), np.float32), *map(model.embed, batches)]),
        probe=" ".join(texts),
    )


def text_columns(properties: Properties) -> list[str]:
    """Return the names of properties with titles or descriptions, in alphabetical order.

    At least half of the items must have a value. More than a tenth of the values must be distinct, unlike categories.
    Most words must consist of letters only, which excludes links, numbers and codes.
    """
    found = []
    for column in sorted({name for columns in properties for name in columns}):
        values = [value for columns in properties if isinstance(value := columns.get(column), str) and value]
        words = [word for value in values for word in value.split()]
        letters = sum(word.strip(".,;:!?()\"'").replace("-", "").isalpha() for word in words)
        many = len({category_of(value) for value in values}) > len(values) / 10
        if values and len(values) >= MIN_FILLED_SHARE * len(properties) and many and letters > len(words) / 2:
            found.append(column)
    return found


def _table(found: Any, folder: Path) -> Floats:
    """Return the weighted vectors of the tokens, scaled to a maximum absolute value of 1. Unknown words have 0."""
    vectors = np.asarray(found.embedding, np.float32)
    table = vectors.copy() if found.token_mapping is None else vectors[found.token_mapping]
    if found.weights is not None:
        table *= np.asarray(found.weights, np.float32)[:, None]
    if table.size > MAX_TABLE_VALUES:
        raise InvalidInput(
            f"the sentence model {folder} has {len(table):,} tokens in {table.shape[1]} dimensions, expected at most"
            f" {MAX_TABLE_VALUES:,} numbers; model2vec saves it with fewer dimensions"
        )
    if found.unk_token_id is not None:
        table[found.unk_token_id] = 0.0
    largest = np.abs(table).max(initial=0.0)
    if not 0 < largest < np.inf:
        raise InvalidInput(f"the sentence model {folder} has {largest} as its largest number, expected one above 0")
    scaled: Floats = table / largest
    return scaled
