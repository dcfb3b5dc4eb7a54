"""Nearest items of the model for a new item, by words and by sentence embeddings, computed by hand.

Only `grey` is in several titles (two of four), so only this token has a weight. The embedding of `grey` is zero.
"""

import dataclasses
import sys

import numpy as np
import pytest

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.runtime.errors import InvalidBundle
from alsolike.snapshot import content_index as module
from alsolike.snapshot.content_index import FORMAT, SENTENCES_FORMAT, ContentIndex
from alsolike.snapshot.sentences import MIN_COSINE
from model_export.data.item_content import content_index, item_content
from model_export.data.item_sentences import sentence_index
from tests.builders.sentence_model import ITEMS, sentence_model, tokenizer
from tests.unit.alsolike.content import cosines_one_by_one

SOFA, LAMP = 1, 2


@pytest.fixture
def model(tmp_path):
    return sentence_model(tmp_path / "model")


def index_of(model, items=ITEMS):
    columns = list(items.values())
    sentences = None if model is None else sentence_index(model, columns)
    return content_index(list(items), item_content(columns), sentences=sentences)


def nearest(index, title):
    items, weights = index.nearest({"title": title})
    return dict(zip(items.tolist(), weights.tolist(), strict=True))


def test_synonym_is_a_neighbour_by_its_embedding(model):
    assert nearest(index_of(None), "couch") == {}
    assert nearest(index_of(model), "Couch") == {SOFA: 1.0}


def test_embedding_cosine_has_a_weight_of_one_quarter(model):
    """The cosine of the words is 1 with both grey items.

    The cosine of the embeddings is 0.8 with the sofa, and 0 with the lamp.
    """
    both = 3 / 4 * 1 + 1 / 4 * 0.8, 3 / 4 * 1 + 1 / 4 * 0

    assert nearest(index_of(None), "grey couch") == pytest.approx({SOFA: 1 / 2, LAMP: 1 / 2})
    assert nearest(index_of(model), "grey couch") == pytest.approx(
        {SOFA: both[0] / sum(both), LAMP: both[1] / sum(both)}, abs=1e-3
    )


def test_embedding_cosine_below_the_minimum_does_not_count(model):
    assert 0 < 0.28 < MIN_COSINE
    assert nearest(index_of(model), "divan") == {}


def test_unknown_words_have_no_neighbours(model):
    assert nearest(index_of(model), "canapé") == {}
    assert nearest(index_of(model), "canapé couch") == {SOFA: 1.0}
    assert index_of(model).nearest({"name": "couch", "title": 7})[0].tolist() == []


def test_items_without_an_embedding_are_compared_by_words(model):
    index = index_of(model)
    first = dataclasses.replace(index.sentences, vectors=index.sentences.vectors[:2])
    both = 3 / 4 + 1 / 4 * 0.8, 3 / 4

    found = nearest(dataclasses.replace(index, sentences=first), "grey couch")

    assert found == pytest.approx({SOFA: both[0] / sum(both), LAMP: both[1] / sum(both)}, abs=1e-3)


def test_nearest_of_many_items_equal_an_exhaustive_comparison(model):
    rng = np.random.default_rng(0)
    words = ("grey", "sofa", "couch", "divan", "lamp", "desk", "oak", "blue", "red", "tall")
    items = [{"title": " ".join(rng.choice(words, 3))} for _ in range(300)]
    known, new = items[:200], items[200:]
    index = index_of(model, {f"i{n}": columns for n, columns in enumerate(known)})
    cosines = index.sentences.cosines(new)
    mean = np.where(cosines < MIN_COSINE, 0, cosines) / 4
    for columns, row in zip(new, mean, strict=True):
        row += 3 / 4 * cosines_one_by_one(index, columns)[: len(row)]

    found = list(index.nearest_of(new))

    assert len(found) == len(new) > module._BATCH_ITEMS
    for row, (positions, weights) in zip(mean, found, strict=True):
        expected = np.sort(row)[::-1][: module.NEIGHBOURS]
        np.testing.assert_allclose(row[positions], expected, atol=1e-6)
        np.testing.assert_allclose(weights, expected / expected.sum(), atol=1e-6)


def test_index_gives_the_same_neighbours_after_write_and_read(model, tmp_path):
    index = index_of(model)
    index.write(tmp_path / "content.tensors")

    found = ContentIndex.map(tmp_path / "content.tensors")

    assert nearest(found, "grey couch") == nearest(index, "grey couch")
    assert found.sentences.model.columns == ("title",)


def test_index_with_sentences_has_a_separate_format(model, tmp_path):
    formats = []
    for index in (index_of(None), index_of(model)):
        index.write(tmp_path / "content.tensors")
        formats.append(map_tensors(tmp_path / "content.tensors")[1]["format"])

    assert formats == [FORMAT, SENTENCES_FORMAT]


def test_index_with_sentences_requires_the_tokenizers_library(model, tmp_path, monkeypatch):
    index_of(model).write(tmp_path / "with.tensors")
    index_of(None).write(tmp_path / "without.tensors")
    monkeypatch.setitem(sys.modules, "tokenizers", None)

    with pytest.raises(
        InvalidBundle, match=r"^with\.tensors: .* requires the library tokenizers: .* The layer `sentences` contains it"
    ):
        ContentIndex.map(tmp_path / "with.tensors")
    assert nearest(ContentIndex.map(tmp_path / "without.tensors"), "grey couch") == {SOFA: 0.5, LAMP: 0.5}


def other_tokenizer(_):
    other = tokenizer(["?", "sofa", "grey", "couch", "divan", "lamp", "desk"])
    return np.frombuffer(other.to_str().encode(), np.uint8)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("table", lambda array: array[:-3], "tokenizer has token 6, its table vectors of 6"),
        ("vectors", lambda array: array[:-1], "sentences.vectors has 14 values, expected rows of 3 dimensions"),
        ("vectors", lambda array: np.append(array, np.zeros(3, np.float16)), "vectors has 5 items, expected 0 to 4"),
        ("tokenizer", lambda _: np.frombuffer(b"{}", np.uint8), "the sentence model's tokenizer cannot be read: "),
        # The token 0 means an unknown word, here oak.
        (
            "tokenizer",
            other_tokenizer,
            r"splits 'grey sofa grey lamp oak desk' into tokens \[2, 1, 2, 5, 0, 6\], expected"
            r" \[1, 2, 1, 5, 0, 6\] as in the training: the library tokenizers is of another version",
        ),
        ("probe", None, "is not a valid content index: 'sentences.probe'"),
    ],
)
def test_inconsistent_sentence_model_is_refused(model, tmp_path, name, change, message):
    path = tmp_path / "content.tensors"
    index_of(model).write(path)
    arrays, metadata = map_tensors(path)
    array = arrays.pop(f"sentences.{name}")
    if change is not None:
        arrays[f"sentences.{name}"] = change(array)
    with (tmp_path / "damaged.tensors").open("wb") as file:
        write_tensors(file, arrays, metadata=metadata)

    with pytest.raises(InvalidBundle, match=rf"^damaged\.tensors.*{message}"):
        ContentIndex.map(tmp_path / "damaged.tensors")
