"""Input files of `make bench WHAT=quality`, and messages about invalid files."""

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.quality_files import as_csv
from benchmarks.quality_peers import PeerModel
from model_export.algorithms import known
from model_export.data.interactions import Histories
from model_export.evaluation import splits
from tests.unit.model_export.shops import interactions, random_sequences


def test_sequences_are_converted_to_rows_in_order(tmp_path):
    (tmp_path / "Beauty.txt").write_text("1 7 8 7\n\n2 9\n3\n")

    rows = as_csv(tmp_path / "Beauty.txt", tmp_path).read_text().split()

    assert rows == ["USER_ID,ITEM_ID,TIMESTAMP", "1,7,1", "1,8,2", "1,7,3", "2,9,1"]


def test_attributes_are_converted_to_a_column_of_several_values(tmp_path):
    (tmp_path / "Beauty_item2attributes.json").write_text('{"7": [1, 12], "8": []}')

    rows = as_csv(tmp_path / "Beauty_item2attributes.json", tmp_path).read_text().split()

    assert rows == ["ITEM_ID,ATTRIBUTES", "7,1|12", "8,"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["beauty"], "beauty needs --interactions"),
        (["beauty", "--interactions", "{folder}/none.txt"], "none.txt is not a file"),
        (["beauty", "--interactions", "{folder}/none.csv"], "none.csv is not a file"),
        (["beauty", "--interactions", "{folder}/few.csv", "--items", "{folder}/none.csv"], "none.csv is not a file"),
        (
            ["beauty", "--interactions", "{folder}/few.csv", "--items", "{folder}/a.csv"],
            "a.csv misses the column ITEM_ID",
        ),
        (
            ["beauty", "--interactions", "{folder}/few.csv"],
            "the validation part of the leave-one-out protocol has no test users",
        ),
        (
            ["online-retail", "--interactions", "{folder}/few.csv", "--days", "0"],
            "the validation part of the temporal protocol has no test users",
        ),
        (["online-retail", "--interactions", "{folder}/few.csv", "--days", "1e9"], "the hold-out is 1e+09 days"),
    ],
)
def test_invalid_files_fail_with_one_sentence(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("ITEM,ATTRIBUTES\npear,1\n")
    (tmp_path / "few.csv").write_text("USER_ID,ITEM_ID,TIMESTAMP\nann,pear,1\nann,plum,2\n")

    with pytest.raises(SystemExit, match=message.replace("+", r"\+")):
        quality.main([argument.format(folder=tmp_path) for argument in arguments])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--without", "sasrec,sasrek"], "--without names sasrek; known are blend, "),
        (["--history", "0"], "--history is 0, expected at least 1"),
    ],
)
def test_invalid_option_error_names_the_option(capsys, arguments, message):
    with pytest.raises(SystemExit):
        quality.main(["beauty", *arguments])

    assert message in capsys.readouterr().err


def test_each_part_of_a_blend_is_omitted_once():
    sequences = random_sequences(users=60, items=40, length=12, seed=0)
    split = splits.temporal(interactions(sequences), holdout_ms=2000)
    names = ("popularity", "transitions", "item_knn", "blend")

    header, _, *rows = quality.parts_section(split, {name: known()[name] for name in names}, ["masked"])

    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    assert header.startswith("| past | part | weight |")
    assert len(rows) > 1
    assert {cell[1] for cell in cells} <= set(names)
    assert sum(int(cell[2].rstrip("%")) for cell in cells) == pytest.approx(100, abs=len(rows))
    for _, _, _, with_it, without, difference, ends in cells:
        low, high = (float(end) for end in ends.split(" to "))
        assert float(difference) == pytest.approx(float(with_it) - float(without), abs=2e-4)
        assert low <= float(difference) <= high


def test_padding_scores_0_if_a_library_scores_items_below_it():
    def score_histories(_):
        return np.array([[0.0, -1.0, 2.0]], np.float32)

    model = PeerModel(settings=known()["item_knn"], items=2, score_histories=score_histories)

    scores = model.score(Histories(items=np.array([[1]]), weights=np.ones((1, 1), np.float32)))

    assert scores.tolist() == [[0.0, 0.0, 3.0]]
