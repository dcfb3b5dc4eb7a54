"""Repetitions with seeds, and random order within equal timestamps."""

import math

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.quality_seeds import (
    QualityRow,
    mean_and_error,
    seeds_table,
    tied_share,
    with_random_item_numbers,
    with_seed,
    with_shuffled_ties,
)
from model_export.algorithms import known
from model_export.algorithms.sasrec import Sasrec
from model_export.data.interactions import Interactions
from model_export.evaluation.ranking import Quality
from tests.unit.model_export.shops import interactions, random_sequences


def with_times(times):
    """Return one user per list of timestamps. Item n is the n-th row."""
    users = np.repeat(np.arange(len(times)), [len(each) for each in times])
    rows = len(users)
    return Interactions.from_rows(
        user=users,
        item=np.arange(1, rows + 1),
        time_ms=np.concatenate(times),
        weight=np.arange(1, rows + 1, dtype=np.float32),
        users=len(times),
        items=rows,
    )


def row_of(model, ndcg, *, gains=(0.0, 1.0)):
    found = Quality(
        hr=2 * ndcg, ndcg=ndcg, mrr=0, coverage=0, popularity_ratio=1, queries=len(gains), gains=np.array(gains)
    )
    return QualityRow(model, found, found, fit_s=1.0)


def test_ties_are_shuffled_within_user_and_time():
    data = with_times([[1] * 20, [1] * 5 + [2] * 5])

    shuffled = with_shuffled_ties(data, seed=0)

    assert shuffled.item.tolist() != data.item.tolist()
    assert shuffled.user.tolist() == data.user.tolist()
    assert shuffled.time_ms.tolist() == data.time_ms.tolist()
    for rows in (slice(0, 20), slice(20, 25), slice(25, 30)):
        assert sorted(shuffled.item[rows]) == sorted(data.item[rows])
    assert shuffled.weight.tolist() == shuffled.item.tolist()


def test_distinct_timestamps_keep_their_order():
    data = with_times([[3, 5, 9], [1, 2, 4, 8]])

    assert with_shuffled_ties(data, seed=1).item.tolist() == data.item.tolist()
    assert tied_share(data) == 0


def test_shuffle_follows_the_seed():
    data = with_times([[1] * 30])
    orders = [with_shuffled_ties(data, seed=seed).item.tolist() for seed in (0, 0, 1)]

    assert orders[0] == orders[1] != orders[2]


def test_successive_positions_are_shuffled_in_groups_per_user():
    data = with_times([list(range(1, 6)), list(range(1, 9))])

    orders = [with_shuffled_ties(data, seed=seed, positions=4).item.tolist() for seed in range(20)]

    for order in orders:
        assert sorted(order[:4]) == [1, 2, 3, 4]
        assert order[4] == 5
        assert sorted(order[5:9]) == [6, 7, 8, 9]
        assert sorted(order[9:]) == [10, 11, 12, 13]
    assert len({tuple(order) for order in orders}) > 10


@pytest.mark.parametrize(
    ("times", "positions", "share"),
    [([[1, 1, 2, 3]], 1, 2 / 4), ([[1, 1], [1, 2]], 1, 2 / 4), ([[1], [1]], 1, 0), ([[1, 2, 3, 4, 5]], 4, 4 / 5)],
)
def test_tied_share_counts_rows_with_another_of_user_and_time(times, positions, share):
    assert tied_share(with_times(times), positions=positions) == pytest.approx(share)


def test_item_numbers_follow_the_seed_and_keep_frequencies():
    data = interactions(random_sequences(users=30, items=20, length=8, seed=0))
    first, second, again = (with_random_item_numbers(data, seed=seed) for seed in (1, 2, 1))

    assert with_random_item_numbers(data, seed=0) is data
    assert first.item.tolist() == again.item.tolist() != second.item.tolist()
    assert sorted(first.frequencies()) == sorted(data.frequencies())


def test_seed_reaches_algorithms_with_random_numbers_only():
    seeded = with_seed(known(), 3)

    assert seeded["sasrec"] == Sasrec(seed=3)
    assert seeded["ease"] == known()["ease"]


def test_mean_and_standard_error_of_seeds():
    assert mean_and_error([0.1, 0.2, 0.3]) == f"0.2000 ± {0.1 / math.sqrt(3):.4f}"
    assert mean_and_error([0.1]) == "0.1000"
    assert mean_and_error([]) == ""


def test_table_has_one_row_per_model_with_hits():
    runs = [[row_of("ease", 0.1), row_of("content", 0.0)], [row_of("ease", 0.3), row_of("sasrec", 0.2)]]

    _, _, *rows = seeds_table(runs, k=10, users_of="masked")

    error = f"{math.sqrt(0.5) / math.sqrt(2):.4f}"
    assert rows == [
        f"| ease | 2 | 0.4000 ± 0.2000 | 0.2000 ± 0.1000 | 0.4000 ± 0.2000 | 0.2000 ± 0.1000 | {error} |",
        f"| sasrec | 1 | 0.4000 | 0.2000 | 0.4000 | 0.2000 | {error} |",
    ]


WITHOUT = ",".join(known().keys() - {"popularity", "transitions"})


@pytest.fixture
def page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quality, "peers", lambda: ())
    (tmp_path / "docs").mkdir()
    return tmp_path / "docs" / "quality.md"


@pytest.mark.parametrize(("option", "section"), [((), "seeds"), (("--shuffle-ties",), "shuffled")])
def test_command_writes_a_table_of_two_seeds(tmp_path, page, option, section):
    page.write_text(f"<!-- online-retail-{section}: begin -->\n<!-- online-retail-{section}: end -->\n")
    rows = [f"u{user},i{(user + day) % 7},{day * 86_400},purchase" for user in range(20) for day in range(1, 40)]
    (tmp_path / "rows.csv").write_text("\n".join(["USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE", *rows]) + "\n")

    quality.main([*f"online-retail --interactions rows.csv --days 5 --seeds 2 --without {WITHOUT}".split(), *option])

    assert "| transitions | 2 | " in page.read_text()
    assert page.read_text().startswith(f"<!-- online-retail-{section}: begin -->\n780 interactions")


def test_past_masked_leaves_the_other_cells_empty(tmp_path, page):
    page.write_text("<!-- ml-100k-shuffled: begin -->\n<!-- ml-100k-shuffled: end -->\n")
    rows = [f"u{user},i{(user + day) % 7 + day},{day * 86_400}" for user in range(20) for day in range(1, 9)]
    (tmp_path / "rows.csv").write_text("\n".join(["USER_ID,ITEM_ID,TIMESTAMP", *rows]) + "\n")

    quality.main(f"ml-100k --interactions rows.csv --past masked --shuffle-ties --without {WITHOUT}".split())

    row = next(line for line in page.read_text().splitlines() if line.startswith("| transitions | 1 |"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [bool(cell) for cell in cells] == [True, True, True, True, False, False, True]


def test_seeds_below_one_are_an_error(capsys):
    with pytest.raises(SystemExit):
        quality.main(["beauty", "--seeds", "0"])

    assert "--seeds is 0, expected at least 1" in capsys.readouterr().err
