"""Comparison of algorithms on a file of interactions. It needs no deployment.

Example::

    file = interaction_file.read("orders.csv", only_learned=True)
    evaluation.compare(file, protocol=Protocol.TEMPORAL, k=10).results
"""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.runtime.errors import InvalidInput
from operations import progress, times

if TYPE_CHECKING:
    from alsolike.configuration.configuration import ColumnType
    from alsolike.snapshot.sentences import SentenceModel
    from model_export.data.interactions import Interactions
    from model_export.evaluation.cold_start import ColdStart
    from model_export.evaluation.splits import Split
    from operations.ingest.interaction_file import InteractionFile


class Protocol(enum.StrEnum):
    LEAVE_ONE_OUT = "leave-one-out"
    TEMPORAL = "temporal"


@dataclasses.dataclass(slots=True)
class Evaluation:
    """Results of a comparison.

    `results`, `products`, `cold_start` and `lists` contain a row per algorithm and treatment of seen items. `selected`
    is the algorithm that training would select, by treatment of seen items. `test_window` is None if test users have no
    common window.
    """

    test_window: list[str] | None
    notes: list[str]
    results: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    products: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    cold_start: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    lists: list[dict[str, Any]] = dataclasses.field(default_factory=list)
    selected: dict[str, str] = dataclasses.field(default_factory=dict)
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    wrong_graphs: dict[str, str] = dataclasses.field(default_factory=dict)


def compare(
    file: InteractionFile,
    *,
    protocol: Protocol,
    k: int,
    algorithms: str = "",
    user: str | None = None,
    holdout_days: float | None = None,
    budget_s: float | None = None,
    products: bool = False,
    variants: str | None = None,
    cold_start: bool = False,
    sentences: SentenceModel | None = None,
) -> Evaluation:
    """Compare algorithms on held-out interactions of a file.

    `algorithms` are comma-separated names. `user` is a test user whose lists are also returned. `budget_s` is the
    processor time of all fits. Algorithms that would exceed it are skipped.
    """
    from alsolike.training.dataset import MIN_TEST_USERS
    from model_export.algorithms import by_default, named
    from model_export.evaluation.cold_start import judge, part_items, trials
    from model_export.evaluation.diversity import kinds
    from model_export.evaluation.fit_cache import Fits
    from model_export.evaluation.ranking import BOTH, best_list
    from model_export.evaluation.resource_budget import BUDGET_S, Budget
    from model_export.evaluation.selection import Candidate, Comparison, choose, selection_reason
    from model_export.export.parity import ParityError, check_export

    selected = named(algorithms) if algorithms else by_default()
    split = _split(file.interactions, protocol, holdout_days)
    partial_information = split.test.queries.note_on_long_histories()
    found = Evaluation(_window(split), [partial_information] if partial_information else [])
    if split.tested_until_ms and (later := int((file.interactions.time_ms > split.tested_until_ms).sum())):
        found.notes.append(
            f"{progress.counted(later, 'interaction')} after {times.day(split.tested_until_ms)}, the end of the test, "
            f"{'is' if later == 1 else 'are'} left out: fewer than {MIN_TEST_USERS} users follow a quiet period"
        )
    query = None if user is None else _query_of(user, file.user_ids, split)
    fits, budget = Fits(), Budget(seconds=budget_s or BUDGET_S)
    cold = trials(part_items(split), file.properties, file.unlearned, sentences) if cold_start else None
    item_kinds = kinds(file.properties, split.test.order, variants=variants) if products else None
    for seen in BOTH:
        test_users, candidates = 1, list[Candidate]()
        with progress.step(f"Comparing, seen {seen}", total=len(selected)) as step:
            comparison = Comparison(split, k=k, seen=seen, fits=fits, say=step.note, budget=budget, kinds=item_kinds)
            for candidate in comparison.candidates(selected):
                candidates.append(candidate)
                quality, row = candidate.quality, {"algorithm": candidate.settings.name, "seen": seen}
                test_users = quality.queries
                figures = {name: getattr(quality, name) for name in ("hr", "ndcg", "mrr", "coverage")}
                cost = {"fit_s": candidate.fit_s, "peak_mb": candidate.peak_mb}
                found.results.append({**row, "test_users": test_users, **figures, **cost})
                if quality.products is not None:
                    found.products.append({**row, **dataclasses.asdict(quality.products)})
                model = fits.fit(candidate.settings, split.test.fit)
                if query is not None:
                    listed = best_list(model, split.test, query, k=k, seen=seen)
                    found.lists.append({**row, "items": [file.item_ids[item - 1] for item in listed.tolist()]})
                if seen == BOTH[0]:
                    try:
                        check_export(model, split.test.queries)
                    except ParityError as error:
                        found.wrong_graphs[candidate.settings.name] = str(error)
                if cold is not None:
                    judged = judge(candidate.settings, split, cold, fits=fits, k=k, seen=seen)
                    found.cold_start.append({**row, **_figures(judged)})
                step.advance()
        found.left_out |= comparison.left_out
        if not test_users:
            found.notes.append(f"seen {seen} has no test users: no user has a target that may be recommended")
        if candidates:
            winner = choose(candidates)
            found.selected[seen] = winner.settings.name
            found.notes.append(f"seen {seen}: {selection_reason(candidates, winner)}")
    if not found.results:
        raise InvalidInput(f"no algorithm can be fitted here: {found.left_out}")
    found.notes += [f"{name} is left out: {reason}" for name, reason in found.left_out.items()]
    found.notes += [f"{wrong}; training would fail: correct `export`" for wrong in found.wrong_graphs.values()]
    for rows in (found.results, found.products, found.cold_start, found.lists):
        rows.sort(key=lambda row: list(selected).index(row["algorithm"]))
    return found


def notes_of(data: Interactions, guessed_columns: Mapping[str, ColumnType]) -> Iterator[str]:
    if later := int((data.time_ms > times.now_ms()).sum()):
        latest = times.day(int(data.time_ms.max()))
        verb = "is" if later == 1 else "are"
        many = progress.counted(later, "interaction")
        yield f"{many} {verb} in the future, up to {latest}. An import rejects them, an evaluation counts them"
    if guessed_columns:
        listed = ", ".join(f"{name} ({kind})" for name, kind in guessed_columns.items())
        yield f"types of item columns guessed from their values: {listed}; a configuration declares them (--config)"


def _figures(found: ColdStart) -> dict[str, Any]:
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
    days = [times.day(ms) for ms in (split.learned_until_ms, split.selected_until_ms, split.tested_until_ms)]
    for number, (name, part) in enumerate((("validation", split.validation), ("test", split.test))):
        if not len(part.queries):
            needed = "3 interactions"
            if protocol is Protocol.TEMPORAL:
                when = f"from {days[number]} to {days[number + 1]}"
                needed = f"interactions before and in it, {when}; the latest of all is of {days[2]}"
            raise InvalidInput(f"the {name} part of the {protocol} protocol is empty: no user has {needed}")
    return split


def _query_of(user_id: str, user_ids: Sequence[str], split: Split) -> int:
    queries = split.test.queries
    users = [user_ids[user] for user in queries.source.user[queries.starts].tolist()]
    if user_id not in users:
        raise InvalidInput(f"user {user_id!r} is not one of the {len(users):,} test users; {users[0]!r} is one")
    return users.index(user_id)


def _window(split: Split) -> list[str] | None:
    if not split.selected_until_ms:
        return None
    return [times.text(ms, "minutes") for ms in (split.selected_until_ms, split.tested_until_ms)]
