import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import INTERACTIONS_FILE, USERS_FILE
from model_export.data.training_data import load
from tests.unit.model_export.shops import tiny_shop


@pytest.fixture
def dataset(tmp_path):
    return tiny_shop(tmp_path / "dataset")


def test_directories_of_parts_are_read_in_numeric_order(dataset):
    whole = load(dataset)
    table = pq.read_table(dataset / INTERACTIONS_FILE)
    empty_directory(dataset / INTERACTIONS_FILE)
    third = -(-len(table) // 3)
    for number, part in enumerate(("00000", "99999", "100000")):
        pq.write_table(table.slice(number * third, third), dataset / INTERACTIONS_FILE / f"part-{part}-a.parquet")
    (dataset / INTERACTIONS_FILE / "interactions.parquet_$folder$").touch()

    parts = load(dataset)

    for name in ("user", "item", "time_ms", "weight"):
        assert getattr(parts.interactions, name).tolist() == getattr(whole.interactions, name).tolist()


def test_interactions_have_the_user_columns_with_single_values(dataset):
    profiles = sorted(set(pq.read_table(dataset / INTERACTIONS_FILE)["profile_id"].to_pylist()))
    properties = ['{"plan":"tin","trial":true}', '{"plan":"gold","likes":["tea","jazz"]}']
    users = [profile.removeprefix("u#") for profile in profiles[:2]]
    pq.write_table(pa.table({"user_id": users, "properties": properties}), dataset / USERS_FILE)

    rows = load(dataset).interactions

    plan, trial, likes = (rows.feature(f"user.{name}") for name in ("plan", "trial", "likes"))
    assert (plan.values, trial.values, likes.values) == (("gold", "tin"), ("true",), ())
    assert plan.codes.tolist() == [{0: 2, 1: 1}.get(user, 0) for user in rows.user.tolist()]


def empty_directory(file):
    file.unlink()
    file.mkdir()


def without_weight(file):
    pq.write_table(pq.read_table(file).drop_columns(["weight"]), file)


def row_without_id(file):
    table = pq.read_table(file)
    ids = pa.array([None, *table["item_id"].to_pylist()[1:]], pa.string())
    pq.write_table(table.set_column(1, "item_id", ids), file)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (empty_directory, r"dataset has no interactions\.parquet"),
        (without_weight, r"parquet misses weight; its columns are profile_id, item_id"),
        (row_without_id, r"1 rows without item_id"),
        (lambda file: file.write_text("not parquet"), r"interactions.parquet is not a readable Parquet file"),
    ],
    ids=["empty directory", "missing column", "missing ID", "no Parquet file"],
)
def test_invalid_interactions_are_refused(dataset, change, message):
    change(dataset / INTERACTIONS_FILE)

    with pytest.raises(InvalidDataset, match=message):
        load(dataset)
