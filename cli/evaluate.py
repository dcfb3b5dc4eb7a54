"""Command `alsolike evaluate`: comparison of algorithms on a file of interactions, without a deployment."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

from alsolike.configuration.configuration import DEFAULT, ColumnType, Configuration
from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.config import read_file
from cli.options import Columns, Csv, Output
from operations import evaluation, extras
from operations.evaluation import Evaluation, Protocol
from operations.ingest.column_mapping import parse_mapping
from operations.progress import counted

if TYPE_CHECKING:
    from alsolike.snapshot.sentences import SentenceModel
    from operations.ingest.interaction_file import InteractionFile

_ONLY_IN_JSON = ("new_items", "items_never_had", "new_ndcg_without")


@dataclasses.dataclass(frozen=True)
class Files:
    interactions: Annotated[
        list[str], Option(metavar="FILE", help="File as for `alsolike import interactions`; repeatable.")
    ]
    items: Annotated[Path | None, Option(metavar="FILE", help="Items: ITEM_ID and metadata columns.")] = None
    columns: Columns = None
    item_columns: Annotated[
        list[str] | None,
        Option("--map-items", metavar="THEIRS=OURS", help="Name of a column in the items file; repeatable."),
    ] = None
    event_type: Annotated[str, Option(help="Event type of rows without one.")] = "view"
    config: Annotated[
        Path | None,
        Option(
            metavar="FILE",
            help="Configuration as for `alsolike config apply`: event types with weights, types of item columns, "
            "limits.",
        ),
    ] = None


@dataclasses.dataclass(frozen=True)
class Comparison:
    protocol: Annotated[Protocol, Option(help="Split of the interactions into training and test.")]
    k: Annotated[int, Option("--num-results", "-k", "--k", min=1, max=1000, help="Length of the evaluated list.")] = 10
    algorithms: Annotated[
        str, Option(metavar="A,B", help="Algorithms to compare. Default: all except distilled.", show_default=False)
    ] = ""
    user: Annotated[str | None, Option(metavar="ID", help="Also print each algorithm's list for this test user.")] = (
        None
    )
    holdout_days: Annotated[
        float | None,
        Option(
            min=0.0,
            help="Days of the test set and of the validation set, temporal protocol (default: 28, or a tenth of the "
            "time span if that is shorter).",
            show_default=False,
        ),
    ] = None
    budget_s: Annotated[
        float | None,
        Option(
            "--budget",
            metavar="SECONDS",
            min=1.0,
            help="Processor time of all fits; algorithms that would take longer are left out (default: 7200).",
            show_default=False,
        ),
    ] = None
    cold_start: Annotated[
        bool, Option("--cold-start", help="Also evaluate recommendations of items without interactions.")
    ] = False
    sentence_model: Annotated[
        Path | None, Option(metavar="FOLDER", help="With --cold-start: model2vec model for the texts of new items.")
    ] = None


def evaluate(output: Output, csv: Csv, files: Files, comparison: Comparison) -> None:
    """Compare algorithms on held-out interactions. Every item is ranked, and ties count against the model.

    Protocol leave-one-out: each user's last interaction is in the test set, and the interaction before it in the
    validation set. Users with fewer than 3 interactions are only in the training set. Protocol temporal: the last days
    are the test set, and the same number of days before them is the validation set. The table's title shows the days of
    the test set. Settings are selected on the validation set.

    Rows are ordered by TIMESTAMP; rows with equal times keep the order of the file. As in production, models use the
    latest 100 interactions of a user, or limits.history_length. Notes name the algorithm that training would select,
    and algorithms whose exported graph returns other scores.

    Each algorithm has two rows. Seen masked: the earlier items of a user are neither recommended nor targets. Seen
    allowed: they can be both.

    Rows that an import would refuse are skipped, and counted by reason.

    As in imports, the types of item columns are declared in --config, or else inferred and printed. --items adds a
    table for lists with one variant of each product (items.variants). The table has NDCG, the entropy of a list's
    categories in bits, and the mean distance between two items. Items without interactions before the test are in no
    list. --cold-start adds a table with the gain from recommending such items by similar items. --sentence-model adds
    the gain from the items' texts.

    Example: alsolike evaluate --interactions orders.csv --protocol temporal --algorithms ease,popularity
    """
    extras.require("onnxruntime")
    if comparison.cold_start and files.items is None:
        raise InvalidInput("--cold-start needs the columns of items: pass their file with --items")
    if comparison.sentence_model is not None and not comparison.cold_start:
        raise InvalidInput("--sentence-model compares the texts of new items, so it requires --cold-start")
    configuration = read_file(files.config, output).configuration if files.config else DEFAULT
    file, guessed = _read(files, csv, configuration)
    sentences = _sentences(comparison, file)
    result = evaluation.compare(
        file,
        protocol=comparison.protocol,
        k=comparison.k,
        algorithms=comparison.algorithms,
        user=comparison.user,
        holdout_days=comparison.holdout_days,
        budget_s=comparison.budget_s,
        products=files.items is not None,
        variants=configuration.variants,
        cold_start=comparison.cold_start,
        sentences=sentences,
    )
    for note in result.notes:
        terminal.say(f"note: {note}")
    data = file.interactions
    document = {
        "protocol": comparison.protocol.value,
        "k": comparison.k,
        "users": data.users,
        "items": data.items,
        "interactions": len(data),
        **({"test_window": result.test_window} if result.test_window else {}),
        **({} if guessed is None else {"guessed_item_columns": guessed}),
        "left_out": result.left_out,
        "wrong_graphs": result.wrong_graphs,
        "selected": result.selected,
        "results": result.results,
        **({"products": result.products} if result.products else {}),
        **({"cold_start": result.cold_start} if comparison.cold_start else {}),
        **({"lists": result.lists} if comparison.user is not None else {}),
    }
    if not output.printed(document):
        _print_tables(result, files, comparison, has_sentences=sentences is not None)


def _read(
    files: Files, csv: Csv, configuration: Configuration
) -> tuple[InteractionFile, Mapping[str, ColumnType] | None]:
    """Return the interactions and the inferred types of item columns. The types are None without an item file."""
    from operations.ingest.interaction_file import read
    from operations.ingest.items_file import read_items

    mapping, item_mapping = parse_mapping(files.columns or ()), parse_mapping(files.item_columns or ())
    catalogue = (
        read_items(files.items, columns=configuration.item_columns, mapping=item_mapping, form=csv.form)
        if files.items
        else None
    )
    with terminal.step("Reading interactions") as step:
        file = read(
            *files.interactions,
            mapping=mapping,
            event_type=files.event_type,
            items=catalogue.properties if catalogue else None,
            configuration=configuration,
            only_learned=True,
            form=csv.form,
        )
        data = file.interactions
        counts = ((len(data), "interaction"), (data.users, "user"), (data.items, "item"))
        step.note(", ".join(counted(count, noun) for count, noun in counts))
    guessed = catalogue.guessed if catalogue else None
    for note in (*file.notes, *evaluation.notes_of(data, guessed or {})):
        terminal.say(f"note: {note}")
    return file, guessed


def _sentences(comparison: Comparison, file: InteractionFile) -> SentenceModel | None:
    if comparison.sentence_model is None:
        return None
    from model_export.data.item_sentences import described, open_model

    model = open_model(comparison.sentence_model, file.properties)
    terminal.say(f"note: {described(model)}")
    return model


def _print_tables(result: Evaluation, files: Files, comparison: Comparison, *, has_sentences: bool) -> None:
    k = comparison.k
    names = ", ".join(Path(name).name for name in files.interactions)
    window = ": test {} to {} UTC".format(*result.test_window) if result.test_window else ""
    terminal.print_table(
        [
            "algorithm",
            "seen",
            "users",
            f"HR@{k}",
            f"NDCG@{k}",
            f"MRR@{k}",
            "coverage",
            "fit s",
            "peak MB",
        ],
        [[*list(result.values())[:-1], round(result["peak_mb"])] for result in result.results],
        title=f"{names}, {comparison.protocol.value}{window}",
    )
    if result.products:
        terminal.print_table(
            ["algorithm", "seen", f"NDCG@{k}", "category entropy", "distance"],
            [list(row.values()) for row in result.products],
            title="Lists with one variant of each product, as served",
        )
    if comparison.user is not None:
        terminal.print_table(
            ["algorithm", "seen", "items"],
            [[row["algorithm"], row["seen"], ", ".join(row["items"])] for row in result.lists],
            title=f"Lists for user {comparison.user}, from the history before the test",
        )
    if comparison.cold_start:
        from model_export.evaluation.cold_trial import LONG

        by_words = ["all by words", "new by words"] if has_sentences else []
        figures = ["users", "all without", "all with", f"@{LONG} without", f"@{LONG} with", "new with"]
        terminal.print_table(
            ["algorithm", "seen", "new scale", "rare scale", *figures, *by_words],
            [[value for name, value in row.items() if name not in _ONLY_IN_JSON] for row in result.cold_start],
            title=f"NDCG@{k} and @{LONG} of all targets, NDCG@{k} of the {result.cold_start[0]['new_items']:,} items "
            "first seen in the test, without cold items in the answers and with: those and "
            f"{result.cold_start[0]['items_never_had']:,} that no user interacted with",
        )
