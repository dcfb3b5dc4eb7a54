import dataclasses
import math

import numpy as np

from model_export.algorithms.content import Content
from model_export.data.item_content import alike, item_content
from tests.unit.model_export.shops import history, interactions


def with_content(sequences, *properties):
    data = interactions(sequences, items=len(properties))
    return dataclasses.replace(data, content=item_content(properties).vectors)


def test_vectors_are_normalised_idf_of_tokens():
    # Two of four items are red, with log(4 / 2). Three are large, with log(4 / 3).
    content = item_content(
        [{"colour": "red", "size": "L"}, {"colour": "red", "size": "L"}, {"colour": "blue", "size": "L"}, {}]
    )

    assert content.tokens == ["colour=red", "size=l"]  # The token for blue occurs only once.
    np.testing.assert_allclose(content.idf, [math.log(2), math.log(4 / 3)], rtol=1e-6)
    length = math.hypot(math.log(2), math.log(4 / 3))
    expected: list[list[float]] = [[0, 0], *[[math.log(2) / length, math.log(4 / 3) / length]] * 2, [0, 1], [0, 0]]
    np.testing.assert_allclose(content.vectors.toarray(), expected, rtol=1e-6)


def test_token_of_every_item_is_omitted():
    content = item_content([{"kind": "book", "by": "Woolf"}, {"kind": "book", "by": "Woolf"}, {"kind": "book"}])

    assert content.tokens == ["by=woolf"]


def test_items_without_columns_have_no_vectors():
    assert item_content([{}, {}]).vectors.shape == (3, 0)


def test_vectors_follow_their_items_when_renumbered():
    data = with_content([[1, 2]], {"c": "x"}, {"c": "y"}, {"c": "y"}, {"c": "x"})

    renumbered = data.renumber(np.array([4, 2, 3, 1]))

    np.testing.assert_array_equal(renumbered.content.toarray(), data.content.toarray()[[0, 4, 2, 3, 1]])


def test_content_scores_are_cosines_even_without_interactions():
    data = with_content(
        [[1, 2]], {"a": "x", "b": "y"}, {"a": "x", "b": "z"}, {"a": "w", "b": "z"}, {"a": "x", "b": "y"}, {"a": "w"}
    )
    assert data.content is not None
    cosines = (data.content @ data.content.T).toarray()

    scores = Content().fit(data).score(history(1))[0]

    expected = cosines[1].copy()
    expected[1] = 0.0  # An item is not recommended for itself.
    np.testing.assert_allclose(scores, expected, rtol=1e-5)
    assert scores[4] > scores[2] > 0


def test_content_without_columns_scores_zero():
    assert Content().fit(interactions([[1, 2]])).score(history(1)).tolist() == [[0, 0, 0]]


def test_only_the_rarest_tokens_are_used_if_pairs_are_too_many():
    # The token x has 9 pairs, and y has 4.
    data = with_content([[1, 2]], {"a": "x", "b": "y"}, {"a": "x", "b": "y"}, {"a": "x"}, {"a": "w"})

    scores = Content(max_pairs=12).fit(data).score(history(1))[0]

    assert scores[2] > 0
    assert scores[3] == 0


def test_only_the_nearest_items_are_kept():
    data = with_content([[1, 2]], {"a": "x", "b": "y"}, {"a": "x", "b": "y"}, {"a": "x"}, {"a": "w"})

    scores = Content(targets=1).fit(data).score(history(1))[0]

    assert np.flatnonzero(scores).tolist() == [2]


def test_nearest_items_equal_all_cosines_with_ties():
    # Each of twelve combinations occurs twice.
    columns: list[dict[str, object]] = [{"a": f"x{n % 4}", "b": f"y{n % 3}"} for n in range(24)]
    data = with_content([[1, 2]], *columns, {"a": "x0"}, {})
    assert data.content is not None
    cosines = (data.content @ data.content.T).toarray()
    np.fill_diagonal(cosines, 0.0)
    third = np.sort(cosines, axis=1)[:, -3:-2]

    found = alike(data, maximum=3).toarray()

    np.testing.assert_array_equal(found, np.where(cosines >= np.maximum(third, 1e-6), cosines, 0.0))
