import json

import numpy as np
import pytest

from alsolike.runtime.errors import InvalidInput
from model_export.algorithms import by_default, known
from model_export.algorithms.ease import Ease
from model_export.algorithms.popularity import PopularityModel
from model_export.evaluation.cold_start import DEFAULT_SCALES
from tests.builders.sentence_model import write_model
from tests.unit.cli import command_line
from tests.unit.model_export.shops import random_sequences

RESULT_KEYS = ["algorithm", "seen", "test_users", "hr", "ndcg", "mrr", "coverage", "fit_s", "peak_mb"]


@pytest.fixture
def file(tmp_path):
    lines = ["USER_ID,ITEM_ID,TIMESTAMP"]
    for user, sequence in enumerate(random_sequences(users=30, items=20, length=10)):
        lines += [f"user{user},item{item},{86_400 * step}" for step, item in enumerate(sequence, start=1)]
    path = tmp_path / "interactions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(file, *arguments, **options):
    """Return stdout and stderr. The protocol is temporal by default."""
    options = {"interactions": file, "protocol": "temporal", **options}
    words = [str(word) for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
    result = command_line.run("evaluate", *words, *arguments, exit_code=0)
    return result.stdout, result.stderr


def run_json(file, *arguments, **options):
    return json.loads(run(file, *arguments, "--json", **options)[0])


def joined(text):
    return " ".join(text.split())


@pytest.mark.parametrize("protocol", ["leave-one-out", "temporal"])
def test_json_has_one_result_per_algorithm_and_exclusion(file, protocol):
    document = run_json(file, protocol=protocol, k=5)

    window = ["test_window"] if protocol == "temporal" else []
    keys = ["protocol", "k", "users", "items", "interactions", *window, "left_out", "wrong_graphs"]
    assert list(document) == [*keys, "selected", "results"]
    assert document["wrong_graphs"] == {}
    assert (document["protocol"], document["k"]) == (protocol, 5)
    assert (document["users"], document["items"], document["interactions"]) == (30, 20, 300)
    assert [(result["algorithm"], result["seen"]) for result in document["results"]] == [
        (name, seen) for name in by_default() if name != "sasrec" for seen in ("masked", "allowed")
    ]
    assert list(document["left_out"]) == ["sasrec"]
    for result in document["results"]:
        assert list(result) == RESULT_KEYS
        assert 0 <= result["mrr"] <= result["hr"] <= 1
        assert 0 <= result["ndcg"] <= result["hr"]
        assert result["fit_s"] >= 0
        assert result["peak_mb"] > 10


def test_title_has_the_test_window_and_each_row_its_test_users(file):
    """Each user has one interaction on each of the days 2 to 11 of January 1970.

    Some users have no new item in the test window, the last two days.
    """
    out, err = run(file, algorithms="popularity", holdout_days=2)
    document = run_json(file, algorithms="popularity", holdout_days=2)

    assert ("Reading interactions" in out, "Reading interactions" in err) == (False, True)
    assert "NDCG@10" in out
    assert "temporal: test 1970-01-09 00:00 to 1970-01-11 00:00 UTC" in joined(out)
    assert document["test_window"] == ["1970-01-09 00:00", "1970-01-11 00:00"]
    masked, allowed = (result["test_users"] for result in document["results"])
    assert masked < allowed == 30


def test_named_algorithms_are_compared_and_the_selected_one_is_reported(file):
    _, err = run(file, algorithms="transitions,popularity")
    document = run_json(file, algorithms="transitions, popularity")

    assert [result["algorithm"] for result in document["results"]] == ["transitions"] * 2 + ["popularity"] * 2
    assert document["selected"].keys() == {"masked", "allowed"}
    for seen, name in document["selected"].items():
        assert f"note: seen {seen}: {name} is selected: it has the highest NDCG on the validation set" in err


def test_lists_of_a_user_are_printed(file):
    """The masked list lacks the user's past items, so the next items move up. The lists have no other difference."""
    masked, allowed = (row["items"] for row in run_json(file, algorithms="popularity", k=20, user="user3")["lists"])
    printed = joined(run(file, algorithms="popularity", k=20, user="user3")[0])

    past = {line.split(",")[1] for line in file.read_text().splitlines() if line.startswith("user3,")}
    assert masked == [item for item in allowed if item in masked]
    assert 0 < len(set(allowed) - set(masked)) <= len(past)
    assert set(allowed) - set(masked) <= past
    assert "Lists for user user3, from the history before the test" in printed
    with pytest.raises(InvalidInput, match="user 'nobody' is not one of the 30 test users; 'user0' is one"):
        run(file, algorithms="popularity", user="nobody")


def test_algorithm_with_a_wrong_graph_is_reported(file, monkeypatch):
    right = PopularityModel.export
    monkeypatch.setattr(PopularityModel, "export", lambda model, graph: graph.op("Sqrt", right(model, graph)))

    out, err = run(file, algorithms="transitions,popularity")

    assert "note: popularity: graph.onnx differs from the model: item" in err
    assert "training would fail: correct `export`" in err
    assert out.count("popularity") == 2
    assert list(run_json(file, algorithms="transitions,popularity")["wrong_graphs"]) == ["popularity"]


def test_histories_longer_than_the_model_length_are_reported(file, tmp_path):
    config = tmp_path / "shop.yaml"

    for length, note in ((8, "30 of 30 evaluated users have more interactions than the latest 8"), (9, None)):
        config.write_text(f"format: 1\nlimits:\n  history_length: {length}\n")
        _, err = run(file, protocol="leave-one-out", algorithms="popularity", config=config)

        assert ("evaluated users have more" in err) == (note is not None)
        assert note is None or note in err


def test_item_without_interactions_is_in_no_model(file, tmp_path):
    items = tmp_path / "items.csv"
    items.write_text("ITEM_ID\n" + "".join(f"item{item}\n" for item in range(1, 22)))

    assert run_json(file, items=items, algorithms="popularity")["items"] == 20


def test_new_items_are_evaluated_with_and_without_cold_start(file, tmp_path):
    """Items 21 to 40 are new and have the same categories as the other items."""
    items = tmp_path / "items.csv"
    items.write_text("ITEM_ID,KIND\n" + "".join(f"item{item},k{item % 2}\n" for item in range(1, 41)))

    document = run_json(file, "--cold-start", items=items, algorithms="ease")
    table, _ = run(file, "--cold-start", items=items, algorithms="ease")

    assert [found["seen"] for found in document["cold_start"]] == ["masked", "allowed"]
    for found in document["cold_start"]:
        assert (found["new_items"], found["items_never_had"]) == (0, 20)
        assert found["users"] == found["new_ndcg_with"] == 0
        assert found["ndcg_with"] <= found["ndcg_without"]
        assert found["new_scale"] == DEFAULT_SCALES.new
        assert found["rare_scale"] < DEFAULT_SCALES.rare
    assert "of the 0 items first seen in the test" in joined(table)
    assert "those and 20 that no user interacted with" in joined(table)
    assert all(title in table for title in ("new scale", "rare scale", "@100 with", "new with"))


def test_new_items_are_evaluated_with_a_sentence_model_and_words_alone(file, tmp_path):
    """Item 21, a couch, is new. Half of the other items are sofas, which only the sentence model finds similar."""
    words = ("lamp", "sofa")
    items = tmp_path / "items.csv"
    titles = (f"item{item},{words[item % 2]} {'abcdefghijklmnopqrstu'[item - 1]}\n" for item in range(1, 21))
    items.write_text("ITEM_ID,TITLE\n" + "".join(titles) + "item21,couch\n")
    options = {"items": items, "algorithms": "ease", "sentence_model": write_model(tmp_path / "model")}

    document = run_json(file, "--cold-start", **options)
    table, messages = run(file, "--cold-start", **options)

    for found in document["cold_start"]:
        assert found["ndcg_by_words"] == found["ndcg_without"] >= found["ndcg_with"]
        assert found["new_ndcg_by_words"] == found["new_ndcg_with"] == 0
    assert any(found["ndcg_with"] < found["ndcg_without"] for found in document["cold_start"])
    assert "7 tokens in 3 dimensions; an item's text is title" in messages
    assert "by words" in table


def test_lists_with_one_variant_per_product_have_a_table(file, tmp_path):
    items, config = tmp_path / "items.csv", tmp_path / "shop.yaml"
    items.write_text("ITEM_ID,TITLE,CATEGORY\n" + "".join(f"item{n},Title {n // 2},c{n % 3}\n" for n in range(20)))
    config.write_text("format: 1\nitems: {columns: {TITLE: string, CATEGORY: string}, variants: null}\n")

    with_variants = run_json(file, items=items, algorithms="popularity", config=config)
    out, _ = run(file, items=items, algorithms="popularity")

    assert [row["algorithm"] for row in with_variants["products"]] == ["popularity"] * 2
    assert [row["seen"] for row in with_variants["products"]] == ["masked", "allowed"]
    for row, result in zip(with_variants["products"], with_variants["results"], strict=True):
        assert row["ndcg"] == pytest.approx(result["ndcg"])  # Each item is a separate product.
        assert 0 < row["category_entropy"] <= np.log2(3)
        assert 0 < row["intra_list_distance"] <= 1
    assert "Lists with one variant of each product, as served" in joined(out)


def test_guessed_item_column_types_are_reported(file, tmp_path):
    items, config = tmp_path / "items.csv", tmp_path / "shop.yaml"
    items.write_text("ITEM_ID,KIND,SIZE\n" + "".join(f"item{item},k{item % 2},{item}\n" for item in range(20)))
    options = {"items": items, "algorithms": "popularity"}

    config.write_text("format: 1\nitems: {columns: {SIZE: string}}\n")
    guessed, declared = run_json(file, **options), run_json(file, config=config, **options)
    _, messages = run(file, **options)
    config.write_text("format: 1\nitems: {columns: {SIZE: string, KIND: string}}\n")
    _, silent = run(file, config=config, **options)

    assert guessed["guessed_item_columns"] == {"KIND": "string", "SIZE": "number"}
    assert declared["guessed_item_columns"] == {"KIND": "string"}
    assert "types of item columns guessed from their values: KIND (string), SIZE (number)" in joined(messages)
    assert "guessed" not in silent


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--cold-start"], "pass their file with --items"),
        (["--sentence-model", "model"], "so it requires --cold-start"),
        (["--algorithms", "als"], f"unknown algorithm 'als'; known are {', '.join(known())}"),
        (["--algorithms", ","], "no algorithm is named"),
        (["--items", "absent.csv"], "absent.csv does not exist"),
    ],
)
def test_invalid_option_is_refused_with_the_valid_ones(file, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        run(file, *arguments)


def test_errors_of_the_configuration_are_in_the_json_document(file, tmp_path):
    config = tmp_path / "shop.yaml"
    config.write_text("format: 2\n")
    arguments = ("--interactions", file, "--protocol", "temporal", "--config", config, "--json")

    refused = command_line.run("evaluate", *arguments, exit_code=1)

    assert json.loads(refused.stdout)["errors"][0]["path"] == "format"


@pytest.mark.parametrize(
    ("protocol", "message"),
    [("leave-one-out", "no user has 3 interactions"), ("temporal", "no user has interactions before and in it")],
)
def test_file_without_test_users_is_refused(tmp_path, protocol, message):
    path = tmp_path / "rows.csv"
    path.write_text("USER_ID,ITEM_ID,TIMESTAMP\na,x,1\na,y,2\nb,x,100\n")

    with pytest.raises(InvalidInput, match=message):
        run(path, protocol=protocol)


def test_refused_single_algorithm_ends_with_its_reason(file, monkeypatch):
    monkeypatch.setattr(Ease, "unsupported_reason", lambda self, interactions: f"there are {interactions.items} items")

    with pytest.raises(InvalidInput, match=r"no algorithm can be fitted here: \{'ease': 'there are 20 items'\}"):
        run(file, algorithms="ease")


def test_files_with_other_column_names_and_invalid_rows_are_evaluated(file, tmp_path):
    lines = file.read_text().replace("USER_ID,ITEM_ID,TIMESTAMP", "kunde,artikel,zeit").splitlines()
    first, second, items = (tmp_path / name for name in ("first.csv", "second.csv", "items.csv"))
    first.write_text("\n".join([*lines[:150], "user0,item1,yesterday"]) + "\n")
    second.write_text("\n".join([lines[0], *lines[150:]]) + "\n")
    items.write_text("artikel,farbe\n" + "".join(f"item{item},blue\n" for item in range(21)))
    names = ["--map", "kunde=USER_ID", "--map", "artikel=ITEM_ID", "--map", "zeit=TIMESTAMP"]
    names += ["--interactions", str(second), "--map-items", "artikel=ITEM_ID", "--json"]

    whole = run_json(file, algorithms="popularity")
    parts = run(first, *names, items=items, algorithms="popularity")

    assert json.loads(parts[0])["interactions"] == whole["interactions"] == 300
    assert "1 row left out, as by an import: TIMESTAMP is neither a number nor a time" in parts[1]
    assert "(first in first.csv, line 151)" in parts[1]
