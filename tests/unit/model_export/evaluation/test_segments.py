import numpy as np

from model_export.algorithms.popularity import Popularity
from model_export.evaluation import splits
from model_export.evaluation.segments import categories, sliced
from tests.unit.model_export.shops import interactions


def test_metrics_are_computed_per_user_item_and_category_slice() -> None:
    # The training data contains each user's item 1. The test targets are 1, 2 and 4. Items 2 and 4 have no interactions
    # in training.
    data = interactions([[1, 2, 1], [1, 3, 2], [1, 3, 4]], items=6)
    part = splits.leave_one_out(data).test
    names = ["red", "blue", None, "red", None, None]
    model = Popularity(trend_half_life_days=np.inf).fit(part.fit)

    found = sliced(model, part, k=3, seen="allowed", categories=[names[item - 1] for item in part.order])

    assert found["users with 2 to 5 interactions"]["users"] == 3
    assert found["items without interactions"] == {"ndcg": 0.0, "users": 2}
    assert found["category red"] == {"ndcg": 0.5, "users": 2}  # Item 1 has the first rank, and item 4 none.
    assert found["category blue"]["users"] == 1
    assert "users with one interaction" not in found


def test_tail_items_are_those_below_the_most_frequent_fifth() -> None:
    data = interactions([[1, 2, 1, 3, 2], [1, 4, 1, 3, 1], [1, 5, 1, 2, 3]], items=5)
    part = splits.leave_one_out(data).test
    model = Popularity(trend_half_life_days=np.inf).fit(part.fit)

    found = sliced(model, part, k=1, seen="allowed", categories=[None] * 5)

    # The tail item is 2. Item 1 is in the head, and item 3 is not in the model.
    assert found["tail items"]["users"] == 1
    assert found["items without interactions"]["users"] == 1


def test_category_is_its_column_or_the_string_column_with_fewest_values() -> None:
    items = [{"brand": f"b{n % 3}", "title": f"t{n}", "price": n, "kind": f"k{n % 2}"} for n in range(40)]

    assert categories(items) == [f"k{n % 2}" for n in range(40)]
    with_category = [{**columns, "categoryL1": f"c{n % 4}|x"} for n, columns in enumerate(items)]
    assert categories(with_category) == [f"c{n % 4}" for n in range(40)]


def test_items_without_a_category_column_have_none() -> None:
    assert categories([{"title": "a"}, {"title": "b"}, {}]) == [None, None, None]
    assert categories([]) == []
