"""`python -m benchmarks.quality SET --interactions FILE`: quality of recommendations, written to docs/quality.md.

The training job's code selects settings, blend weights and epochs on the validation data. The test data is only
evaluated. Other installed libraries run on the same split. `--parts` compares the blend with blends without one of its
algorithms. `--sasrec size=64,dropout=0.3` trains only SASRec with these settings and prints its validation quality.
`--seeds 5` repeats the comparison, and `--shuffle-ties` puts interactions of equal timestamps in random order. Both
write a table of their own, with the mean over seeds and its standard error.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from alsolike.configuration.configuration import DEFAULT, HISTORY_LENGTH
from alsolike.runtime.errors import InvalidInput
from benchmarks.page import write_section
from benchmarks.published import PUBLISHED
from benchmarks.quality_files import as_csv, with_interactions
from benchmarks.quality_peers import Peer, peers
from benchmarks.quality_seeds import (
    POSITIONS_PER_TIME,
    QualityRow,
    seeds_table,
    tied_share,
    with_random_item_numbers,
    with_seed,
    with_shuffled_ties,
)
from model_export.algorithms import known, missing
from model_export.algorithms.blend import Blend
from model_export.algorithms.buy_again import BuyAgain
from model_export.algorithms.sasrec import Sasrec
from model_export.api import Algorithm, Combination, Model
from model_export.data.interactions import Floats, Histories, Interactions
from model_export.evaluation import splits
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.fit_cache import Fits
from model_export.evaluation.ranking import BOTH, Quality, Seen, evaluate
from model_export.evaluation.selection import Candidate, Comparison, logged
from model_export.evaluation.splits import Split
from model_export.graph.contract import Graph
from model_export.processes.resources import measured
from operations.demo.complete_journey import prepare
from operations.ingest.interaction_file import InteractionFile, read
from operations.ingest.items_file import read_items

K = 10
PAGE = Path("docs/quality.md")
NEURAL = "sasrec"
VALIDATION_USERS = 6_000
SHOPS = ("complete-journey", "online-retail")
"""Data sets with real timestamps and repeat purchases. Their last days are the test data."""


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quality", description=__doc__)
    parser.add_argument("name", metavar="set", choices=[*PUBLISHED, "ml-100k", *SHOPS])
    parser.add_argument("--interactions", type=Path, help=".csv(.gz), .parquet, S3-Rec's .txt or RecBole's .inter")
    parser.add_argument("--items", type=Path, help="catalogue: .csv(.gz), S3-Rec's .json or RecBole's .item")
    parser.add_argument(
        "--history", type=int, default=HISTORY_LENGTH, help="latest interactions per user that a model receives"
    )
    parser.add_argument("--days", type=float, default=28.0, help="length of the test window, for sets with real times")
    parser.add_argument("--without", default="", help="algorithms to leave out, comma-separated")
    parser.add_argument("--parts", action="store_true", help="compare the blend with blends without one of its parts")
    parser.add_argument("--sasrec", metavar="NAME=VALUE,...", help="settings of SASRec to judge on validation users")
    parser.add_argument(
        "--past", choices=BOTH, help="with --seeds or --shuffle-ties: measure only with past items masked or allowed"
    )
    parser.add_argument("--seeds", type=int, metavar="N", help="repeat the comparison with the seeds 0 to N - 1")
    parser.add_argument(
        "--shuffle-ties", action="store_true", help="order interactions of equal timestamps at random, by the seed"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()
    excluded = {name.strip() for name in options.without.split(",") if name.strip()}
    if unknown := excluded - known().keys():
        parser.error(f"--without names {', '.join(sorted(unknown))}; known are {', '.join(known())}")
    if options.history < 1:
        parser.error(f"--history is {options.history}, expected at least 1")
    if options.seeds is not None and options.seeds < 1:
        parser.error(f"--seeds is {options.seeds}, expected at least 1")
    try:
        with tempfile.TemporaryDirectory() as directory:
            data = read_set(options.name, options.interactions, options.items, Path(directory))
        data = dataclasses.replace(data, history_length=options.history)
        days = options.days if options.name in SHOPS else None
        split = split_of(data, days=days)
    except InvalidInput as error:
        raise SystemExit(str(error)) from error
    if options.sasrec:
        sys.stdout.write(_evaluate_sasrec(split, options.sasrec, seen="allowed" if options.name in SHOPS else "masked"))
        return
    algorithms = {name: each for name, each in known().items() if name not in excluded and missing(each) is None}
    name = options.name
    if options.parts:
        name = f"{name}-parts"
        compared = {name: each for name, each in algorithms.items() if each.by_default}
        section = "\n".join(parts_section(split, compared, BOTH if options.name in SHOPS else ("masked",)))
    elif options.seeds is not None or options.shuffle_ties:
        protocols = BOTH if options.past is None else (options.past,)
        _repeat(
            name,
            data,
            algorithms,
            days=days,
            seeds=options.seeds or 1,
            shuffle_ties=options.shuffle_ties,
            protocols=protocols,
        )
        return
    else:
        rows = [*_compared(split, _groups(algorithms)), *_baselines(split, shop=name in SHOPS)]
        section = _section(name, data, split, rows, seconds=time.monotonic() - started)
    write_section(PAGE, name, section)
    sys.stdout.write(section + "\n")


def _repeat(
    name: str,
    data: Interactions,
    algorithms: Mapping[str, Algorithm],
    *,
    days: float | None,
    seeds: int,
    shuffle_ties: bool,
    protocols: Sequence[Seen],
) -> None:
    """Write the table after each seed, so that an interruption loses only one seed."""
    shop = name in SHOPS
    positions = POSITIONS_PER_TIME if name in PUBLISHED else 1
    runs: list[list[QualityRow]] = []
    for seed in range(seeds):
        _print_line(f"seed {seed}")
        repeated = with_random_item_numbers(data, seed=seed)
        if shuffle_ties:
            repeated = with_shuffled_ties(repeated, seed=seed, positions=positions)
        split = split_of(repeated, days=days)
        compared = _compared(split, _groups(algorithms, seed=seed), protocols=protocols)
        runs.append([*compared, *_baselines(split, shop=shop, seed=seed)])
        order = f", {tied_share(data, positions=positions):.0%} of them with shuffled ties" if shuffle_ties else ""
        users = f"{len(split.test.queries):,} test users"
        section = "\n".join(
            [
                f"{len(data):,} interactions{order}; {split.protocol}, {users}, histories of the latest "
                f"{data.history_length} interactions.",
                "",
                *seeds_table(runs, k=K, users_of=protocols[-1] if shop else protocols[0]),
            ]
        )
        write_section(PAGE, f"{name}-{'shuffled' if shuffle_ties else 'seeds'}", section)
    sys.stdout.write(section + "\n")


def read_set(name: str, interactions: Path | None, items: Path | None, directory: Path) -> Interactions:
    return read_file(name, interactions, items, directory).interactions


def read_file(name: str, interactions: Path | None, items: Path | None, directory: Path) -> InteractionFile:
    """Read a set. Without a file, read the bundled shop for `complete-journey`, and exit for another set."""
    if name == "complete-journey" and interactions is None:
        journey = prepare(directory, now_s=1_767_225_600, held_back_days=0)
        interactions, items = journey.interactions, journey.items
    if interactions is None:
        raise SystemExit(f"{name} needs --interactions; docs/quality.md says where the file comes from")
    interactions = as_csv(interactions, directory)
    if items is not None:
        items = with_interactions(as_csv(items, directory), interactions, directory)
    catalogue = None if items is None else read_items(items, columns=DEFAULT.item_columns).properties
    return read(interactions, items=catalogue, configuration=DEFAULT)


def split_of(data: Interactions, *, days: float | None) -> Split:
    """Hold out the last days, or the last interactions per user if `days` is None.

    A part without users raises `InvalidInput`, because an empty table would overwrite the page.
    """
    if days is None:
        split = splits.leave_one_out(data)
    else:
        split = splits.temporal(data, holdout_ms=splits.holdout_ms(data, days=days))
    for name, part in (("validation", split.validation), ("test", split.test)):
        if not len(part.queries):
            raise InvalidInput(f"the {name} part of the {split.protocol} protocol has no test users")
    return split


def _groups(algorithms: Mapping[str, Algorithm], *, seed: int = 0) -> dict[str, Mapping[str, Algorithm]]:
    """Return groups of algorithms, by the suffix in the labels of the group's combinations."""
    algorithms = with_seed(algorithms, seed)
    counting = {name: each for name, each in algorithms.items() if name != NEURAL}
    groups: dict[str, Mapping[str, Algorithm]] = {"": counting}
    if NEURAL in algorithms:
        groups[f" with {NEURAL}"] = {**counting, NEURAL: algorithms[NEURAL]}
    return groups | {" of peers": with_seed({peer.label: peer for peer in peers()}, seed)}


def _compared(
    split: Split, groups: Mapping[str, Mapping[str, Algorithm]], *, protocols: Sequence[Seen] = BOTH
) -> Iterator[QualityRow]:
    """Yield one row per model, also for a model of several groups. Settings are selected for each protocol."""
    found: dict[str, dict[Seen, Candidate]] = {}
    fits = Fits()
    for seen in protocols:
        comparison = Comparison(split, k=K, seen=seen, fits=fits, say=_print_line)
        for suffix, group in groups.items():
            for candidate in comparison.candidates(group):
                found.setdefault(_label(candidate.settings, suffix), {})[seen] = candidate
    for label, by_seen in found.items():
        chosen = {seen: each.settings.describe() for seen, each in by_seen.items()}
        if settings := _changed(chosen):
            _print_line(f"{label}: {settings}")
        quality = {seen: each.quality for seen, each in by_seen.items()}
        first = next(iter(by_seen.values()))
        yield QualityRow(label, quality.get("masked"), quality.get("allowed"), first.fit_s)


def parts_section(split: Split, algorithms: Mapping[str, Algorithm], protocols: Sequence[Seen]) -> Iterator[str]:
    """Yield an ablation table with a row per part of the blend: the blend compared with a blend that is tuned without
    this part. A blend of a single part has no rows.
    """
    yield f"| past | part | weight | NDCG@{K} with it | without it | difference | 95% interval |"
    yield "|---|---|---|---|---|---|---|"
    fits = Fits()
    for seen in protocols:
        comparison = Comparison(split, k=K, seen=seen, fits=fits, say=_print_line)
        *singles, blend = comparison.candidates(algorithms)
        if not isinstance(blend.settings, Blend):
            raise ValueError(f"the last candidate is {blend.settings.name}, expected a blend")
        tuned = [single.settings for single in singles if single.validation_gains.any()]
        total = sum(weight for _, weight in blend.settings.parts)
        for part, weight in blend.settings.parts if len(blend.settings.parts) > 1 else ():
            without = comparison.combination(Blend(), [each for each in tuned if each.name != part.name]).quality
            low, high = interval(blend.quality.gains - without.gains)
            yield (
                f"| {seen} | {part.name} | {weight / total:.0%} | {blend.quality.ndcg:.4f} | {without.ndcg:.4f} "
                f"| {blend.quality.ndcg - without.ndcg:+.4f} | {low:+.4f} to {high:+.4f} |"
            )


def _evaluate_sasrec(split: Split, changed: str, *, seen: Seen) -> str:
    """Train SASRec with changed settings, with early stopping on validation NDCG."""
    try:
        pairs = (pair.partition("=") for pair in changed.split(","))
        settings = dataclasses.replace(Sasrec(), **{name: ast.literal_eval(value) for name, _, value in pairs})
    except (TypeError, ValueError, SyntaxError) as error:
        raise SystemExit(f"--sasrec is {changed}, expected settings such as size=64,dropout=0.3: {error}") from error
    queries = split.validation.queries.sample(VALIDATION_USERS)

    def quality_of(model: Model) -> Quality:
        return evaluate(model, queries, k=K, seen=(seen,))[seen]

    with logged(_print_line):
        best = settings.fit_with_early_stopping(split.validation.fit, lambda model: quality_of(model).ndcg)
    quality = quality_of(best)
    return f"{changed}: NDCG@{K} {quality.ndcg:.4f}, HR@{K} {quality.hr:.4f} after {best.settings.epochs} epochs\n"


def _changed(chosen: Mapping[Seen, str]) -> str:
    """Return the selected settings, by protocol if they differ, or an empty text for the defaults."""
    settings = set(chosen.values())
    if len(settings) == 1:
        return "".join(settings - {"defaults"})
    return "; ".join(f"{seen}: {each}" for seen, each in chosen.items())


def _label(settings: Algorithm, suffix: str) -> str:
    if isinstance(settings, Combination):
        return settings.name + suffix
    return settings.label if isinstance(settings, Peer) else settings.name


def _baselines(split: Split, *, shop: bool, seed: int = 0) -> Iterator[QualityRow]:
    """Yield the quality of the most frequent items in the user's complete history. Yield nothing unless `shop`.

    The variants have no half-life or one of 120 days, and three ways to break ties.
    """
    queries = split.test.queries
    longest = int((queries.ends - queries.starts).max())
    unlimited = dataclasses.replace(queries, source=dataclasses.replace(queries.source, history_length=longest))
    for label, days in (("own counts", float("inf")), ("own counts, half-life 120 days", 120.0)) if shop else ():
        _print_line(label)
        with measured() as cost:
            model = BuyAgain(half_life_days=days, again_power=0.0, demand_power=0.0).fit(split.test.fit)
        by_chance, by_frequency = (
            Untied(settings=model.settings, items=model.items, model=model, chance=chance, seed=seed)
            for chance in (True, False)
        )
        for suffix, variant in (("", model), (", ties by chance", by_chance), (", ties to the frequent", by_frequency)):
            quality = evaluate(variant, unlimited, k=K)
            yield QualityRow(label + suffix, quality["masked"], quality["allowed"], cost.seconds)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Untied(Model):
    """Model that breaks ties of another model: at random if `chance` is true, otherwise by item number, the popularity
    rank.
    """

    model: Model
    chance: bool
    seed: int

    def score(self, histories: Histories) -> Floats:
        """Return scores without ties: 1 for the lowest positive score, 2 for the next, and so on."""
        scores, rng = self.model.score(histories), np.random.default_rng(self.seed)
        for row in scores:
            positive = np.flatnonzero(row > 0)
            first = rng.random(len(positive)) if self.chance else -positive
            row[positive[np.lexsort((first, row[positive]))]] = np.arange(1, len(positive) + 1)
        return scores

    def export(self, graph: Graph) -> str:
        raise NotImplementedError


def _section(name: str, data: Interactions, split: Split, rows: Sequence[QualityRow], *, seconds: float) -> str:
    lines = [
        f"{len(data):,} interactions, {data.users:,} users, {data.items:,} items; {split.protocol}, "
        f"{len(split.test.queries):,} test users, histories of the latest {data.history_length} interactions; "
        f"{os.cpu_count()} cores, {seconds / 60:.0f} min in total.",
        "",
        f"| model | HR@{K} | NDCG@{K} | HR@{K}, past allowed | NDCG@{K}, past allowed | fit s |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.model} | {_figures(row.masked)} | {_figures(row.allowed)} | {row.fit_s:.1f} |"
        for row in rows
        if row.has_hits
    ]
    lines += [
        f"| *published:* {each.model} | {each.hr:.4f} | {each.ndcg:.4f} | | | |" for each in PUBLISHED.get(name, ())
    ]
    sources = sorted({each.source for each in PUBLISHED.get(name, ())})
    return "\n".join(
        [*lines, *([""] if sources else []), *(f"- published: {source.text}; {source.training}" for source in sources)]
    )


def _figures(quality: Quality | None) -> str:
    return " | " if quality is None else f"{quality.hr:.4f} | {quality.ndcg:.4f}"


def _print_line(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
