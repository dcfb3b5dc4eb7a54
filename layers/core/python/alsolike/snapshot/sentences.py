"""Sentence vectors of items' texts. A vector is the normalised sum of the static vectors of a text's tokens.

With a sentence model, the training job writes the model and the vectors of the known items to the content index
(`model_export.data.item_sentences`), and queries of the index use the same model. The library `tokenizers` is imported
only if there is a sentence model.

References
----------
S. Tulkens, T. van Dongen, "Model2Vec: Fast State-of-the-Art Static Embeddings", 2024,
https://github.com/MinishLab/model2vec
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.arrays.tensors import Array
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.struct import struct

if TYPE_CHECKING:
    from tokenizers import Tokenizer

WEIGHT = 0.25
"""Weight of the cosine of sentence vectors. The cosine of TF-IDF vectors has the weight 1 - `WEIGHT`."""

MIN_COSINE = 0.5
"""Minimum cosine of related texts. Lower cosines count as 0."""

MAX_CHARACTERS = 2_000
"""Maximum number of characters of a column. Further characters are ignored."""

_METADATA = "sentences"
_TABLE, _VECTORS, _TOKENIZER, _PROBE = (f"sentences.{name}" for name in ("table", "vectors", "tokenizer", "probe"))


class SentenceModel:
    """Static sentence model.

    Parameters
    ----------
    columns
        Names of the columns that form an item's text, in this order.
    table
        Vector of each token, rounded to float16, `(tokens, dimensions)`.
    tokenizer
        Tokenizer of the library `tokenizers`, as JSON.
    """

    def __init__(self, *, columns: Sequence[str], table: Array, tokenizer: str) -> None:
        self.columns = tuple(columns)
        self.table = table.astype(np.float16).astype(np.float32)
        self.tokenizer = tokenizer
        self._encoder = _opened(tokenizer)
        highest = max(self._encoder.get_vocab().values(), default=-1)
        if highest >= len(table):
            raise InvalidBundle(
                f"the sentence model's tokenizer has token {highest}, its table vectors of {len(table)}"
            )

    @property
    def dimensions(self) -> int:
        return int(self.table.shape[1])

    def text(self, properties: Mapping[str, Any]) -> str:
        values = [properties.get(column) for column in self.columns]
        return " ".join(value[:MAX_CHARACTERS] for value in values if isinstance(value, str))

    def tokens(self, text: str) -> list[int]:
        return list(self._encoder.encode(text, add_special_tokens=False).ids)

    def embed(self, properties: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.float32]:
        """Return the vectors of items, `(len(properties), dimensions)`.

        The norm is 1, or 0 for an item without known tokens.
        """
        texts = [self.text(columns) for columns in properties]
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, encoding in enumerate(self._encoder.encode_batch_fast(texts, add_special_tokens=False)):
            vectors[row] = self.table[encoding.ids].sum(axis=0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, lengths, out=vectors, where=lengths > 0)
        return vectors


@struct
class SentenceIndex:
    """Sentence vectors of a model's items.

    Attributes
    ----------
    vectors
        Vectors by position with norm 1 or 0, float32 `(n, dimensions)`. Row 0 is 0. Items at positions from n have no
        vector.
    probe
        Text whose tokens are compared with the stored tokens, to detect a tokenizer that differs from the one in
        training.
    """

    model: SentenceModel
    vectors: npt.NDArray[np.float32]
    probe: str
    weight: float = WEIGHT

    def cosines(self, properties: Sequence[Mapping[str, Any]]) -> npt.NDArray[np.float32]:
        """Return the cosines between the texts of these items and of the known items, `(len(properties), n)`."""
        return self.model.embed(properties) @ self.vectors.T

    def arrays(self) -> dict[str, Array]:
        return {
            _TABLE: self.model.table.astype(np.float16).ravel(),
            _VECTORS: self.vectors.astype(np.float16).ravel(),
            _TOKENIZER: np.frombuffer(self.model.tokenizer.encode(), np.uint8),
            _PROBE: np.array(self.model.tokens(self.probe), np.uint32),
        }

    def metadata(self) -> dict[str, str]:
        metadata = {
            "columns": self.model.columns,
            "dimensions": self.model.dimensions,
            "weight": self.weight,
            "probe": self.probe,
        }
        return {_METADATA: orjson.dumps(metadata).decode()}

    @classmethod
    def from_file(cls, arrays: Mapping[str, Array], metadata: Mapping[str, str], *, items: int) -> SentenceIndex:
        description = orjson.loads(metadata[_METADATA])
        dimensions = int(description["dimensions"])
        vectors = _rows(arrays, _VECTORS, dimensions)
        if not 1 <= len(vectors) <= items + 1:
            raise InvalidBundle(f"{_VECTORS} has {len(vectors) - 1} items, expected 0 to {items}")
        model = SentenceModel(
            columns=description["columns"],
            table=_rows(arrays, _TABLE, dimensions),
            tokenizer=arrays[_TOKENIZER].tobytes().decode(),
        )
        expected, actual = arrays[_PROBE].tolist(), model.tokens(description["probe"])
        if actual != expected:
            raise InvalidBundle(
                f"the sentence model splits {description['probe']!r} into tokens {actual}, expected {expected} as in "
                "the training: the library tokenizers is of another version here"
            )
        return cls(model, vectors.astype(np.float32), description["probe"], float(description["weight"]))


def _rows(arrays: Mapping[str, Array], name: str, dimensions: int) -> Array:
    values = arrays[name]
    if dimensions < 1 or len(values) % dimensions:
        raise InvalidBundle(f"{name} has {len(values)} values, expected rows of {dimensions} dimensions")
    return values.reshape(-1, dimensions)


def _opened(tokenizer: str) -> Tokenizer:
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise InvalidBundle(
            f"a model with sentence vectors requires the library tokenizers: {error}. The layer `sentences` contains"
            " it if the setting sentence_model is set; see docs/cold-start.md"
        ) from error
    try:
        return Tokenizer.from_str(tokenizer)
    except Exception as error:  # The library raises Exception itself.
        raise InvalidBundle(f"the sentence model's tokenizer cannot be read: {error}") from error
