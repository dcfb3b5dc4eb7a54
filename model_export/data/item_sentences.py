"""Sentence models: open one and embed the items' texts with it, see `alsolike.snapshot.sentences`.

A model is a folder, as `model2vec` and `sentence-transformers` save static models; nothing is downloaded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from alsolike.runtime.errors import InvalidInput
from alsolike.snapshot.sentences import SentenceIndex, SentenceModel
from alsolike.training.reference import FEWEST_SHARE, category_of
from model_export.data.interactions import Floats

ENVIRONMENT_VARIABLE = "ALSOLIKE_SENTENCE_MODEL"
"""Names the folder."""

MOST_VALUES = 2**24
"""Numbers in the vectors of all items: the most frequent have some. It bounds the time of a comparison with all."""

MOST_TABLE_VALUES = 2**25
"""Numbers in a model's vectors of tokens: 67 MB in the bundle, and twice that in who reads it."""

ITEMS_AT_ONCE = 8_192
PROBE_ITEMS = 20
"""Items whose texts are the index's probe."""

Properties = Sequence[Mapping[str, Any]]


def open_model(folder: Path, properties: Properties) -> SentenceModel:
    """Open the model in a folder, for items with these columns.

    Raises
    ------
    InvalidInput
        If there is no such folder or no model in it, it cannot be looked into, `model2vec` is not installed, or no
        column is text.
    """
    said = f"the sentence model is {str(folder)!r}, expected a folder that model2vec reads"
    try:
        if not folder.is_dir():
            raise InvalidInput(f"{said}; {'it is a file' if folder.exists() else 'there is no such folder'}")
    except OSError as error:
        raise InvalidInput(f"{said}: {error}") from error
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
    except Exception as error:  # one of the libraries below it raises nothing narrower
        raise InvalidInput(f"{said}: {type(error).__name__}: {error}") from error
    tokenizer = found.tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return SentenceModel(columns=columns, table=_table(found, folder), tokenizer=tokenizer.to_str())


def described(model: SentenceModel) -> str:
    """Return one line on a model."""
    return (
        f"sentence model: {len(model.table):,} tokens in {model.dimensions} dimensions; an item's text is "
        f"{', '.join(model.columns)}"
    )


def sentence_index(model: SentenceModel, properties: Properties) -> SentenceIndex:
    """Return the index of items at positions 1..len(properties), the most frequent first."""
    some = properties[: MOST_VALUES // model.dimensions]
    texts = filter(None, (model.text(columns) for columns in some[:PROBE_ITEMS]))
    return SentenceIndex(
        model=model,
        vectors=np.concatenate([np.zeros((1, model.dimensions), np.float32), *_embedded(model, some)]),
        probe=" ".join(texts),
    )


def text_columns(properties: Properties) -> list[str]:
    """Return the names of columns that hold titles or descriptions, in alphabetical order.

    A column counts if at least half of the items have a value and the values are too many to be categories. Most words
    must consist of letters only, which excludes links, numbers and codes.
    """
    found = []
    for column in sorted({name for columns in properties for name in columns}):
        values = [value for columns in properties if isinstance(value := columns.get(column), str) and value]
        words = [word for value in values for word in value.split()]
        letters = sum(word.strip(".,;:!?()\"'").replace("-", "").isalpha() for word in words)
        many = len({category_of(value) for value in values}) > len(values) / 10
        if values and len(values) >= FEWEST_SHARE * len(properties) and many and letters > len(words) / 2:
            found.append(column)
    return found


def _embedded(model: SentenceModel, properties: Properties) -> Iterator[Floats]:
    for start in range(0, len(properties), ITEMS_AT_ONCE):
        yield model.embed(properties[start : start + ITEMS_AT_ONCE])


def _table(found: Any, folder: Path) -> Floats:
    """Return a vector a token, weighted, the largest number 1; that of unknown words is 0, as they do not count."""
    vectors = np.asarray(found.embedding, np.float32)
    table = vectors.copy() if found.token_mapping is None else vectors[found.token_mapping]
    if found.weights is not None:
        table *= np.asarray(found.weights, np.float32)[:, None]
    if table.size > MOST_TABLE_VALUES:
        raise InvalidInput(
            f"the sentence model {folder} has {len(table):,} tokens in {table.shape[1]} dimensions, expected at most"
            f" {MOST_TABLE_VALUES:,} numbers; model2vec saves it with fewer dimensions"
        )
    if found.unk_token_id is not None:
        table[found.unk_token_id] = 0.0
    largest = np.abs(table).max(initial=0.0)
    if not 0 < largest < np.inf:
        raise InvalidInput(f"the sentence model {folder} has {largest} as its largest number, expected one above 0")
    scaled: Floats = table / largest
    return scaled
