"""Sentence model of seven words. Couch is similar to sofa and divan, grey has a zero vector, and other words differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from model2vec import StaticModel
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

from alsolike.snapshot.sentences import SentenceModel
from model_export.data.item_sentences import open_model

WORDS: Mapping[str, Sequence[float]] = {
    "?": (1, 1, 1),
    "grey": (0, 0, 0),
    "sofa": (1, 0, 0),
    "couch": (0.8, 0.6, 0),
    "divan": (0.28, 0.96, 0),
    "lamp": (0, 0, 1),
    "desk": (0, -1, 0),
}
"""Vectors by word. Except for `?` and grey, they have length 1, so their inner products are cosines.

The result must not contain the vector of unknown words (`?`).
"""

ITEMS = {"sofa": {"title": "grey sofa"}, "lamp": {"title": "grey lamp"}, "desk": {"title": "oak desk"}, "oak": {}}


def tokenizer(words: Sequence[str]) -> Tokenizer:
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="?"))
    made.normalizer = normalizers.Lowercase()
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return made


def static_model(words: Mapping[str, Sequence[float]] = WORDS) -> StaticModel:
    return StaticModel(np.array(list(words.values()), np.float32), tokenizer(list(words)))


def write_model(folder: Path) -> Path:
    static_model().save_pretrained(folder)
    return folder


def sentence_model(folder: Path, items: Sequence[Mapping[str, str]] = tuple(ITEMS.values())) -> SentenceModel:
    return open_model(write_model(folder), items)
