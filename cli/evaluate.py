"""`alsolike evaluate`: how good is each algorithm on a file of interactions? Needs no cloud."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Option

from alsolike.domain.configuration import DEFAULT, ColumnType
from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.config import read_file
from cli.options import Columns, Output
from operations import times
from operations.ingest.column_mapping import parse_mapping
from operations.progress import counted

if TYPE_CHECKING:
    from model_export.data.interactions import Interactions
    from model_export.evaluation.cold_start import ColdStart
    from model_export.evaluation.splits import Split

_IN_JSON_ALONE = ("new_items", "items_never_had", "new_ndcg_without")


class Protocol(enum.StrEnum):
    """Protocol for holding out interactions."""

    LEAVE_ONE_OUT = "leave-one-out"
    TEMPORAL = "temporal"


def evaluate(
    output: Output,
    interactions: Annotated[
        list[str],
        Option("--interactions", metavar="FILE", help="File as for `alsolike import interactions`; repeatable."),
    ],
    protocol: Annotated[Protocol, Option("--protocol", help="Split of the interactions into training and test.")],
    items: Annotated[
        Path | None, Option("--items", metavar="FILE", help="Items: ITEM_ID and metadata columns.")
    ] = None,
    columns: Columns = None,
    item_columns: Annotated[
        list[str] | None,
        Option("--map-items", metavar="THEIRS=OURS", help="Column name of the items here; repeatable."),
    ] = None,
    event_type: Annotated[str, Option("--event-type", help="Type of rows that state none.")] = "view",
    config: Annotated[
        Path | None,
        Option(
            "--config",
            metavar="FILE",
            help="The configuration, as `alsolike config apply` takes it: event types and what they weigh, the types "
            "of item columns, limits.",
        ),
    ] = None,
    k: Annotated[int, Option("--num-results", "-k", "--k", min=1, max=1000, help="Length of the evaluated list.")] = 10,
    algorithms: Annotated[
        str, Option("--algorithms", metavar="A,B", help="Algorithms to compare, by default all.", show_default=False)
    ] = "",
    user: Annotated[
        str | None, Option("--user", metavar="ID", help="Also print each algorithm's list for this test user.")
    ] = None,
    holdout_days: Annotated[
        float | None,
        Option(
            "--holdout-days",
            min=0.0,
            help="Days of the test set and of the validation set, temporal protocol (default: 28, or a tenth of the "
            "time span if that is shorter).",
            show_default=False,
        ),
    ] = None,
    budget_s: Annotated[
        float | None,
        Option(
            "--budget",
            metavar="SECONDS",
            min=1.0,
            help="Processor time of all fits; algorithms that would take longer are left out (default: 14400).",
            show_default=False,
        ),
    ] = None,
    cold_start: Annotated[
        bool, Option("--cold-start", help="Also evaluate recommendations of items without interactions.")
    ] = False,
    sentence_model: Annotated[
        Path | None,
        Option(
            "--sentence-model", metavar="FOLDER", help="With --cold-start: model2vec model for the texts of new items."
        ),
    ] = None,
) -> None:
    """Compare algorithms on held-out interactions. Every item is ranked, and ties count against the model.

    Protocol leave-one-out: each user's last interaction is the test, the one before it the validation; users with
    fewer than 3 interactions only train. Protocol temporal: the last days are the test, as many before them the
    validation; the table's title shows the test's. The validation set selects settings. Rows are ordered by TIMESTAMP,
    and equal times as in the file. As in production, models use the latest 100 interactions of a user, or
    limits.history_length. A note names an algorithm whose exported graph differs from its scores.

    Seen masked: a user's earlier items are not recommended and do not count. Seen allowed: they are and do.

    Rows that an import refuses are left out and counted by reason.

    --items has the same types as in imports: declared in --config, or else inferred and printed. It adds a table of
    lists with one variant of each product (items.variants): NDCG, entropy of a list's categories in bits, mean distance
    of two items. Items without interactions before the test are in no list. --cold-start adds a table with the gain
    from recommending them by similar items, --sentence-model the gain from their texts.

    Example: alsolike evaluate --interactions orders.csv --protocol temporal --algorithms ease,popularity
    """
    from model_export.algorithms import known, named
    from model_export.data.item_sentences import described, open_model
    from model_export.evaluation.budget import BUDGET_S, Budget
    from model_export.evaluation.cold_start import judge, part_items, trials
    from model_export.evaluation.cold_trial import LONG
    from model_export.evaluation.diversity import kinds
    from model_export.evaluation.fit_cache import Fits
    from model_export.evaluation.ranking import BOTH, best_list
    from model_export.evaluation.selection import Comparison
    from model_export.export.parity import ParityError, check_export
    from operations.ingest.interaction_file import read
    from operations.ingest.items_file import read_items

    if cold_start and items is None:
        raise InvalidInput("--cold-start goes by the columns of items: name their file with --items")
    if sentence_model is not None and not cold_start:
        raise InvalidInput("--sentence-model compares new items' texts: it goes with --cold-start")
    chosen = named(algorithms) if algorithms else known()
    configuration = read_file(config).configuration if config else DEFAULT
    mapping, item_mapping = parse_mapping(columns or ()), parse_mapping(item_columns or ())
    catalogue = read_items(items, columns=configuration.item_columns, mapping=item_mapping) if items else None
    with console.step("Reading interactions") as step:
        file = read(
            *interactions,
            mapping=mapping,
            event_type=event_type,
            items=catalogue.properties if catalogue else None,
            configuration=configuration,
            learned_alone=True,
        )
        data = file.interactions
        counts = ((len(data), "interaction"), (data.users, "user"), (data.items, "item"))
        step.note(", ".join(counted(count, noun) for count, noun in counts))
    guessed = catalogue.guessed if catalogue else {}
    for note in (*file.notes, *_of_the_future(data, now_ms=times.now_ms()), *_guessed(guessed)):
        console.say(f"note: {note}")
    sentences = None if sentence_model is None else open_model(sentence_model, file.properties)
    if sentences is not None:
        console.say(f"note: {described(sentences)}")
    split = _split(data, protocol, holdout_days)
    if told := split.test.queries.told_in_part():
        console.say(f"note: {told}")
    query = None if user is None else _query_of(user, file.user_ids, split)
    lists: list[dict[str, Any]] = []
    asked: dict[str, int] = {}
    results: list[dict[str, Any]] = []
    new_items: list[dict[str, Any]] = []
    products: list[dict[str, Any]] = []
    fits, budget = Fits(), Budget(seconds=budget_s or BUDGET_S)
    cold = trials(part_items(split), file.properties, file.unlearned, sentences) if cold_start else None
    of_items = kinds(file.properties, split.test.order, variants=configuration.variants) if catalogue else None
    left_out: dict[str, str] = {}
    wrong_graphs: dict[str, str] = {}
    for seen in BOTH:
        with console.step(f"Comparing, seen {seen}", total=len(chosen)) as step:
            comparison = Comparison(split, k=k, seen=seen, fits=fits, say=step.note, budget=budget, kinds=of_items)
            for candidate in comparison.candidates(chosen):
                quality = candidate.quality
                asked[seen] = quality.queries
                name = candidate.settings.name
                model = fits.fit(candidate.settings, split.test.fit)
                if query is not None:
                    listed = best_list(model, split.test, query, k=k, seen=seen)
                    ids = [file.item_ids[item - 1] for item in listed.tolist()]
                    lists.append({"algorithm": name, "seen": seen, "items": ids})
                if seen == BOTH[0]:
                    try:
                        check_export(model, split.test.queries)
                    except ParityError as error:
                        wrong_graphs[name] = str(error)
                results.append(
                    {
                        "algorithm": name,
                        "seen": seen,
                        "test_users": quality.queries,
                        **{figure: getattr(quality, figure) for figure in ("hr", "ndcg", "mrr", "coverage")},
                        "fit_s": candidate.fit_s,
                        "peak_mb": candidate.peak_mb,
                    }
                )
                if quality.products is not None:
                    products.append({"algorithm": name, "seen": seen, **dataclasses.asdict(quality.products)})
                if cold is not None:
                    found = judge(candidate.settings, split, cold, fits=fits, k=k, seen=seen)
                    new_items.append({"algorithm": name, "seen": seen, **_figures(found)})
                step.advance()
        left_out |= comparison.left_out
    if not results:
        raise InvalidInput(f"no algorithm can be fitted here: {left_out}")
    for mode, users in asked.items():
        if not users:
            console.say(f"note: seen {mode} has no test users: no user has a target that may be recommended")
    for name, reason in left_out.items():
        console.say(f"note: {name} is left out: {reason}")
    for difference in wrong_graphs.values():
        console.say(f"note: {difference}; training would fail: correct `export`")
    test_window = _window(split, data)
    for rows in (results, products, new_items, lists):
        rows.sort(key=lambda row: list(chosen).index(row["algorithm"]))
    document = {
        "protocol": protocol.value,
        "k": k,
        "users": data.users,
        "items": data.items,
        "interactions": len(data),
        **({"test_window": test_window} if test_window else {}),
        **({"guessed_item_columns": guessed} if catalogue else {}),
        "left_out": left_out,
        "wrong_graphs": wrong_graphs,
        "results": results,
        **({"products": products} if products else {}),
        **({"cold_start": new_items} if cold_start else {}),
        **({"lists": lists} if user is not None else {}),
    }
    if output.printed(document):
        return
    names = ", ".join(Path(name).name for name in interactions)
    console.print_table(
        ["algorithm", "seen", "users", f"HR@{k}", f"NDCG@{k}", f"MRR@{k}", "coverage", "fit s", "peak MB"],
        [[*list(result.values())[:-1], round(result["peak_mb"])] for result in results],
        title=f"{names}, {protocol.value}" + (": test {} to {} UTC".format(*test_window) if test_window else ""),
    )
    if products:
        console.print_table(
            ["algorithm", "seen", f"NDCG@{k}", "category entropy", "distance"],
            [list(row.values()) for row in products],
            title="Lists with one variant of each product, as served",
        )
    if user is not None:
        console.print_table(
            ["algorithm", "seen", "items"],
            [[row["algorithm"], row["seen"], ", ".join(row["items"])] for row in lists],
            title=f"Lists for user {user}, from the history before the test",
        )
    if cold_start:
        by_words = ["all by words", "new by words"] if sentences is not None else []
        figures = ["users", "all without", "all with", f"@{LONG} without", f"@{LONG} with", "new with"]
        console.print_table(
            ["algorithm", "seen", "new scale", "rare scale", *figures, *by_words],
            [[value for name, value in row.items() if name not in _IN_JSON_ALONE] for row in new_items],
            title=f"NDCG@{k} and @{LONG} of all targets, NDCG@{k} of the {new_items[0]['new_items']:,} items first "
            "seen in the test, without cold items in the answers and with: those and "
            f"{new_items[0]['items_never_had']:,} that no user interacted with",
        )


def _of_the_future(data: Interactions, *, now_ms: int) -> Iterator[str]:
    """Yield a note on interactions in the future, next to which all others count as old."""
    if later := int((data.time_ms > now_ms).sum()):
        latest = times.day(int(data.time_ms.max()))
        yield f"{later:,} interactions are of the future, up to {latest}; an import refuses such, here they count"


def _guessed(columns: Mapping[str, ColumnType]) -> Iterator[str]:
    """Yield what to say of columns whose types nothing declares."""
    if columns:
        listed = ", ".join(f"{name} ({kind})" for name, kind in columns.items())
        yield f"types of item columns guessed from their values: {listed}; a configuration declares them (--config)"


def _figures(found: ColdStart) -> dict[str, Any]:
    """Return what the second table says of an algorithm."""
    words = found.by_words_alone
    return {
        "new_scale": found.with_.scales.new,
        "rare_scale": found.with_.scales.rare,
        "new_items": found.items,
        "items_never_had": found.others,
        "users": found.users,
        "ndcg_without": found.without.every_item,
        "ndcg_with": found.with_.every_item,
        "ndcg_long_without": found.without.every_item_long,
        "ndcg_long_with": found.with_.every_item_long,
        "new_ndcg_without": found.without.new_items,
        "new_ndcg_with": found.with_.new_items,
        **({} if words is None else {"ndcg_by_words": words.every_item, "new_ndcg_by_words": words.new_items}),
    }


def _split(data: Interactions, protocol: Protocol, holdout_days: float | None) -> Split:
    from model_export.evaluation import splits

    if protocol is Protocol.TEMPORAL:
        split = splits.temporal(data, holdout_ms=splits.holdout_ms(data, days=holdout_days))
    else:
        split = splits.leave_one_out(data)
    days = [times.day(ms) for ms in (split.learned_until_ms, split.chosen_until_ms, int(data.time_ms.max()))]
    for number, (name, part) in enumerate((("validation", split.validation), ("test", split.test))):
        if not len(part.queries):
            needed = "3 interactions"
            if protocol is Protocol.TEMPORAL:
                when = f"from {days[number]} to {days[number + 1]}"
                needed = f"interactions before and in it, {when}; the latest of all is of {days[2]}"
            raise InvalidInput(f"the {name} part of the {protocol} protocol is empty: no user has {needed}")
    return split


def _query_of(user_id: str, user_ids: Sequence[str], split: Split) -> int:
    """Return the number of a user's test query."""
    queries = split.test.queries
    users = [user_ids[user] for user in queries.source.user[queries.starts].tolist()]
    if user_id not in users:
        raise InvalidInput(f"user {user_id!r} is not one of the {len(users):,} test users; {users[0]!r} is one")
    return users.index(user_id)


def _window(split: Split, data: Interactions) -> list[str] | None:
    """Return the times between which the test interactions lie, or None if they have no common window."""
    if not split.chosen_until_ms:
        return None
    edges = (split.chosen_until_ms, int(data.time_ms.max()))
    return [times.text(ms, "minutes") for ms in edges]
