"""Items left out of the training, and text vectors learned on a catalogue."""

import numpy as np
import pytest

from benchmarks.cold_texts import NgramIndex, NgramVectors, hold_out_items, table
from tests.unit.model_export.shops import interactions, random_sequences

TEXTS = ["red running shoes", "red runner shoe", "garden hose", "garden hoses", "red shoes", "hose for gardens"]


def test_left_out_items_are_targets_and_not_in_training():
    data = interactions(random_sequences(users=40, items=30, length=10, seed=0))
    properties = [{"number": float(number)} for number in range(1, 31)]

    fit, ordered, queries = hold_out_items(data, properties, share=0.2)

    assert fit.items == 24
    assert fit.item.max() <= 24
    numbers = [int(each["number"]) for each in ordered]
    assert sorted(numbers) == list(range(1, 31))
    counts = data.frequencies()
    assert [counts[number] for number in numbers[:24]] == sorted((counts[n] for n in numbers[:24]), reverse=True)
    assert len(queries.targets) + len(np.unique(fit.user * 100 + fit.item)) == len(
        np.unique(data.user * 100 + data.item)
    )
    assert {numbers[24 + target] for target in queries.targets} <= set(numbers[24:])
    assert (queries.ends > queries.starts).all()


def test_left_out_items_follow_the_seed():
    data = interactions(random_sequences(users=40, items=30, length=10, seed=0))
    properties = [{"number": number} for number in range(1, 31)]

    first, again, other = (hold_out_items(data, properties, share=0.5, seed=seed)[1] for seed in (0, 0, 1))

    assert first == again != other


def test_texts_with_common_n_grams_are_near():
    vectors = NgramVectors(TEXTS)
    shoe, unknown = vectors.embed(["running shoe", "xyzzy"])
    cosines = vectors.known @ shoe

    assert np.linalg.norm(shoe) == pytest.approx(1, abs=1e-5)
    assert cosines[:2].min() > 0.5 > cosines[2:4].max()
    assert not unknown.any()


def test_vectors_of_the_same_texts_are_equal():
    vectors = NgramVectors(TEXTS)

    assert vectors.known == pytest.approx(vectors.embed(TEXTS))
    assert vectors.known == pytest.approx(NgramVectors(TEXTS).known)


def test_padding_has_no_similarity():
    index = NgramIndex(NgramVectors(TEXTS), ["title"], weight=0.5)

    cosines = index.cosines([{"title": "garden hose"}, {"brand": "acme"}])

    assert cosines.shape == (2, len(TEXTS) + 1)
    assert cosines[0, 3] == pytest.approx(1, abs=1e-5)
    assert not cosines[:, 0].any()
    assert not cosines[1].any()


def test_table_compares_each_similarity_with_words():
    data = interactions(random_sequences(users=40, items=30, length=10, seed=0))
    names = ("alpha", "bravo", "charlie", "delta", "echo")
    properties = [{"title": f"{names[number % 5]} {names[number // 6]} item"} for number in range(30)]

    users, _, header, _, words, *others = table(data, properties, left_out=0.2, seen="masked")

    assert users.startswith("6 of 30 items are left out; ")
    assert header == "| similarity | NDCG@10 of left-out items | compared with words | 95% interval |"
    assert words.startswith("| words | 0.")
    assert len(others) == 3


def test_items_without_texts_are_an_error():
    data = interactions(random_sequences(users=20, items=10, length=8, seed=0))

    with pytest.raises(SystemExit, match="the items have no column of texts"):
        list(table(data, [{"price": number} for number in range(10)], left_out=0.2, seen="masked"))
