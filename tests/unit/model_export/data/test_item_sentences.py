import sys
from pathlib import Path

import numpy as np
import pytest
from model2vec import StaticModel

from alsolike.runtime.errors import InvalidInput
from model_export.data import item_sentences as module
from model_export.data.item_sentences import described, open_model, sentence_index, text_columns
from tests.builders.sentence_model import WORDS, static_model, tokenizer, write_model

ITEMS = [{"title": "grey sofa"}, {"title": "oak desk, grey lamp"}, {"title": "divan"}, {"title": "canapé"}, {}]


def test_strings_are_embedded_as_by_model2vec(tmp_path):
    model = open_model(write_model(tmp_path), ITEMS)

    expected = static_model().encode([columns.get("title", "") for columns in ITEMS])

    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed(ITEMS), expected / np.maximum(lengths, 1e-9), atol=1e-3)
    assert described(model) == "sentence model: 7 tokens in 3 dimensions; an item's text is title"


def test_token_weights_and_shared_vectors_are_used(tmp_path):
    """Sofa and couch share a vector, and desk has the weight 2."""
    made = StaticModel(
        np.eye(3, dtype=np.float32),
        tokenizer(list(WORDS)),
        token_mapping=np.array([0, 0, 1, 1, 0, 2, 0]),
        weights=np.array([1, 1, 1, 1, 1, 1, 2], np.float32),
    )
    made.save_pretrained(tmp_path)
    items = [{"title": title} for title in ("sofa", "couch", "desk lamp")]

    vectors = open_model(tmp_path, items).embed(items)

    expected = np.array([[0, 1, 0], [0, 1, 0], [2 / 5**0.5, 0, 1 / 5**0.5]])
    np.testing.assert_allclose(vectors, expected, atol=1e-3)


def test_titles_and_descriptions_are_text_columns():
    items = [
        {
            "title": f"Lamp {'of oak ' * (n % 7)}for {'abcdefghij'[n % 10]}",
            "about": "To be put on a table." if n % 2 else "",
            "category": "home|lamps" if n % 2 else "office",
            "sku": f"A{n}-{n * 7}",
            "link": f"https://shop.example/{n}",
            "price": n,
            "rare": f"only here {n}" if n < 5 else None,
        }
        for n in range(40)
    ]
    described = [
        {**columns, "about": f"{columns['about']} Number {'abcdefgh'[n % 8]}"} for n, columns in enumerate(items)
    ]

    assert text_columns(items) == ["title"]
    assert text_columns(described) == ["about", "title"]
    assert text_columns([]) == []


def test_only_the_most_frequent_items_have_vectors(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_VALUES", 3 * 2)
    monkeypatch.setattr(module, "BATCH_ITEMS", 1)

    index = sentence_index(open_model(write_model(tmp_path), ITEMS), ITEMS)

    np.testing.assert_allclose(index.vectors, [[0, 0, 0], [1, 0, 0], [0, -(0.5**0.5), 0.5**0.5]], atol=1e-3)


def test_missing_model_folder_is_refused_without_a_download(tmp_path):
    """The name exists on a model hub."""
    with pytest.raises(InvalidInput, match=r"the sentence model is 'minishlab/potion-base-2M', expected a folder"):
        open_model(Path("minishlab/potion-base-2M"), ITEMS)
    with pytest.raises(InvalidInput, match=r"expected a folder that model2vec reads: ValueError: Could not find"):
        open_model(tmp_path, ITEMS)

    write_model(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(InvalidInput, match="expected a folder that model2vec reads: "):
        open_model(tmp_path, ITEMS)


def test_file_or_unreadable_folder_is_refused(tmp_path, monkeypatch):
    file = tmp_path / "model.safetensors"
    file.touch()
    with pytest.raises(
        InvalidInput, match=r"model\.safetensors', expected a folder that model2vec reads; it is a file$"
    ):
        open_model(file, ITEMS)

    def denied(path):  # A locked folder has this effect for users other than root.
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_dir", denied)
    with pytest.raises(InvalidInput, match=r"expected a folder that model2vec reads: \[Errno 13\] Permission denied"):
        open_model(tmp_path, ITEMS)


def test_missing_library_error_names_the_extra(tmp_path, monkeypatch):
    write_model(tmp_path)
    monkeypatch.setitem(sys.modules, "model2vec", None)

    with pytest.raises(InvalidInput, match=r"needs the extra 'sentences' .*pip install 'alsolike\[sentences\]'"):
        open_model(tmp_path, ITEMS)


def test_items_without_text_columns_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"needs a column of texts; the items' columns are price, sku$"):
        open_model(write_model(tmp_path), [{"price": n, "sku": f"A{n}"} for n in range(4)])


def test_model_with_zero_or_non_finite_values_is_refused(tmp_path):
    for number in (0.0, np.inf, np.nan):
        StaticModel(np.full((7, 3), number, np.float32), tokenizer(list(WORDS))).save_pretrained(tmp_path)

        with pytest.raises(InvalidInput, match=rf"has {number} as its largest number, expected one above 0"):
            open_model(tmp_path, ITEMS)


def test_model_above_the_size_limit_is_refused_with_the_solution(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MAX_TABLE_VALUES", 20)

    with pytest.raises(
        InvalidInput, match="has 7 tokens in 3 dimensions, expected at most 20 numbers; model2vec saves"
    ):
        open_model(write_model(tmp_path), ITEMS)
