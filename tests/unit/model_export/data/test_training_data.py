"""Datasets in one or several files. Errors name the invalid file and column."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import INTERACTIONS_FILE, USERS_FILE
from model_export.data.training_data import load
from tests.unit.model_export.shops import tiny_shop


def test_directories_of_parts_are_read_in_numeric_order(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    whole = load(dataset)
    table = pq.read_table(dataset / INTERACTIONS_FILE)
    (dataset / INTERACTIONS_FILE).unlink()
    (dataset / INTERACTIONS_FILE).mkdir()
    third = len(table) // 3
    for name, rows in (
        ("part-00000-a", table.slice(0, third)),
        ("part-99999-a", table.slice(third, third)),
        ("part-100000-a", table.slice(2 * third)),
    ):
        pq.write_table(rows, dataset / INTERACTIONS_FILE / f"{name}.parquet")
    (dataset / INTERACTIONS_FILE / "interactions.parquet_$folder$").touch()

    parts = load(dataset)

    for name in ("user", "item", "time_ms", "weight"):
        assert getattr(parts.interactions, name).tolist() == getattr(whole.interactions, name).tolist()


def test_interactions_have_the_user_columns_with_single_values(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    profiles = sorted(set(pq.read_table(dataset / INTERACTIONS_FILE)["profile_id"].to_pylist()))
    properties = ['{"plan":"tin","trial":true}', '{"plan":"gold","likes":["tea","jazz"]}']
    users = [profile.removeprefix("u#") for profile in profiles[:2]]
    pq.write_table(pa.table({"user_id": users, "properties": properties}), dataset / USERS_FILE)

    rows = load(dataset).interactions

    plan, trial, likes = (rows.feature(f"user.{name}") for name in ("plan", "trial", "likes"))
    assert (plan.values, trial.values, likes.values) == (("gold", "tin"), ("true",), ())
    assert plan.codes.tolist() == [{0: 2, 1: 1}.get(user, 0) for user in rows.user.tolist()]


def test_empty_directory_counts_as_a_missing_file(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    (dataset / INTERACTIONS_FILE).unlink()
    (dataset / INTERACTIONS_FILE).mkdir()

    with pytest.raises(InvalidDataset, match=r"dataset has no interactions\.parquet"):
        load(dataset)


def test_missing_column_error_names_the_column(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    table = pq.read_table(dataset / INTERACTIONS_FILE)
    pq.write_table(table.drop_columns(["weight"]), dataset / INTERACTIONS_FILE)

    with pytest.raises(InvalidDataset, match=r"parquet misses weight; its columns are profile_id, item_id"):
        load(dataset)


def test_row_without_an_id_is_refused(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    table = pq.read_table(dataset / INTERACTIONS_FILE)
    ids = pa.array([None, *table["item_id"].to_pylist()[1:]], pa.string())
    pq.write_table(table.set_column(1, "item_id", ids), dataset / INTERACTIONS_FILE)

    with pytest.raises(InvalidDataset, match=r"1 rows without item_id"):
        load(dataset)


def test_invalid_parquet_file_error_names_the_file(tmp_path):
    dataset = tiny_shop(tmp_path / "dataset")
    (dataset / INTERACTIONS_FILE).write_text("not parquet")

    with pytest.raises(InvalidDataset, match=r"interactions.parquet is not a readable Parquet file"):
        load(dataset)
