"""Training job, which reads a dataset and writes a model bundle.

The job uses SageMaker's directories on any machine. Below `SAGEMAKER_BASE_DIR` (`/opt/ml`) it reads
`input/config/hyperparameters.json` and `input/data/dataset/` and writes the bundle to `model/`. After a failure it
writes the reason to `output/failure` and exits with status 1.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import os
import sys
import time
import traceback
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from alsolike.bundle.manifest import Manifest
from alsolike.bundle.related import RelatedTable
from alsolike.configuration.configuration import DEFAULT
from alsolike.runtime.errors import AlsolikeError, InvalidBundle, InvalidInput
from alsolike.snapshot.sentences import SentenceModel
from alsolike.training.dataset import CHAMPION_FOLDER, IMPORTED_FOLDER
from model_export.algorithms import by_default, known, named
from model_export.api import Algorithm, Combination
from model_export.data.action_samples import load_samples
from model_export.data.impressions import item_columns, load_impressions
from model_export.data.interactions import Interactions
from model_export.data.item_sentences import ENVIRONMENT_VARIABLE, described, open_model, text_columns
from model_export.data.training_data import TrainingData, load
from model_export.evaluation import splits
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.cold_start import Trials, judge, part_items, trials
from model_export.evaluation.diversity import kinds
from model_export.evaluation.fit_cache import EarlierFit, Fits, fitted_at_cost
from model_export.evaluation.protocol import choose_seen, repurchase_share, require_targets, split_after, split_for
from model_export.evaluation.ranking import Seen
from model_export.evaluation.resource_budget import Budget, machine_megabytes
from model_export.evaluation.segments import categories, sliced
from model_export.evaluation.selection import Candidate, Comparison, Say, choose, selection_reason
from model_export.export import reference, related, related_quality
from model_export.export.actions import fit_actions
from model_export.export.bundle import Provenance, export_bundle
from model_export.export.related_quality import RelatedFigures
from model_export.export.reranker import choose_reranker
from model_export.imported.algorithm import Imported
from model_export.imported.checks import check_folder
from model_export.imported.folder import Folder
from model_export.job.champion_comparison import AgainstChampion, against_champion
from model_export.job.hyperparameters import Hyperparameters
from model_export.job.new_data import NewData, judge_new_data
from model_export.processes import checkpoints, side_process
from model_export.processes.resources import measured

K = 10
"""Length of the evaluated lists."""

ASIDE = frozenset({"ease", "item_knn", "transitions"})
"""Algorithms that the second process fits, if there is one and the budget is ample. They are selected so that both
processes take about the same time. They have no early stopping, because it needs the validation data.
"""

FAILURE_CHARACTERS = 1024
"""Maximum length of a failure reason in SageMaker."""


def main() -> int:
    base = Path(os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml"))
    started = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"[{time.monotonic() - started:6.1f} s] {line}\n")
        sys.stdout.flush()

    try:
        hyperparameters = Hyperparameters.from_json((base / "input/config/hyperparameters.json").read_bytes())
        with checkpoints.kept_in(base / "checkpoints"):
            train(
                dataset=base / "input/data/dataset",
                output=base / "model",
                hyperparameters=hyperparameters,
                now_ms=time.time_ns() // 1_000_000,
                say=say,
                sentence_model=Path(folder) if (folder := os.environ.get(ENVIRONMENT_VARIABLE)) else None,
            )
    except AlsolikeError as error:
        return _fail(base, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001  output/failure must contain any reason
        return _fail(base, f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    return 0


def train(
    *,
    dataset: Path,
    output: Path,
    hyperparameters: Hyperparameters,
    now_ms: int,
    say: Say,
    sentence_model: Path | None = None,
) -> Manifest:
    """Compare algorithms on held-out interactions, fit the winner on all data and write its bundle.

    The same dataset and hyperparameters result in the same files, except for times and memory in the manifest. There is
    one exception: if short fits measure the cost of an algorithm (`evaluation.resource_budget`), two runs may differ in
    the algorithms that exceed the budget.
    """
    fits = Fits()
    with measured() as cost, contextlib.ExitStack() as stack:
        setup = _prepare(dataset, hyperparameters, sentence_model, say)
        is_apart = side_process.is_worth_it(setup.data.interactions)
        submit = stack.enter_context(side_process.running(here=not is_apart))
        aside = _submit_first(setup, fits, submit, is_apart=is_apart)
        candidates, left_out = _compare(setup, fits, say)
        winner = choose(candidates) if setup.imported is None else _imported(candidates, left_out)
        segments = _segments(setup, fits, winner)
        cold = judge(winner.settings, setup.split, aside.cold_trials(), fits=fits, k=K, seen=setup.seen)
        say(cold.sentence())
        is_compared = (dataset / CHAMPION_FOLDER).is_dir() and setup.imported is None
        earlier = _earlier_fits(setup, fits, winner) if is_compared else ()
        fits.forget()
        related_figures = aside.related_figures()
        for kind, figures in related_figures.items():
            say(f"{kind}: {figures.hr:.4f} of {figures.asked:,}, the most frequent items {figures.popular_hr:.4f}")
        compared, new = _compare_with_champion(setup, dataset / CHAMPION_FOLDER, winner, earlier, say)
        del earlier
        reason = selection_reason(candidates, winner) if setup.imported is None else "imported is the only choice"
        say(f"{reason}; fitting it on everything")
        model = fits.fit(winner.settings, setup.served.interactions)
        related_tables = aside.related_tables()
        actions, action_quality = fit_actions(load_samples(dataset, setup.data.users))
        if action_quality is not None:
            say(action_quality.sentence())
        columns = item_columns(setup.served.properties)
        logged = load_impressions(dataset, setup.served, columns, objective=hyperparameters.objective)
        second_stage = choose_reranker(logged, columns)
        say(f"reranker: {second_stage.sentence()}")
    training: dict[str, Any] = {
        "protocol": setup.split.protocol,
        "k": K,
        "seen": setup.seen,
        "asked_users": winner.quality.queries,
        "repeat_share": setup.repeat_share,
        "repurchase_share": setup.repurchase_share,
        "settings": reference.document(winner.settings),
        "selection": reason,
        "candidates": [summary(candidate, winner) for candidate in candidates],
        "left_out": left_out,
        "slices": segments,
        "cold_start": dataclasses.asdict(cold),
        "sentences": sentence_figures(setup.sentences),
        "against_champion": None if compared is None else compared.document(k=K),
        "new_data": None if new is None else new.document(),
        "dataset": {"interactions": setup.data.all_interactions, "users": setup.data.all_users},
        "statistics": count_figures(setup.data.interactions),
        "related": {kind: dataclasses.asdict(figures) for kind, figures in related_figures.items()},
        "actions": None if action_quality is None else dataclasses.asdict(action_quality),
        "reranker": {"objective": str(hyperparameters.objective), **second_stage.document()},
        "imported": None if setup.imported is None else _figures_of_import(setup.imported, setup.data),
        "seed": hyperparameters.seed,
        "train_s": cost.seconds,  # Time and memory do not include the export.
        "peak_mb": cost.peak_mb,
    }
    provenance = Provenance(
        version=hyperparameters.run_id or setup.data.dataset_id,
        exclude_seen=setup.seen == "masked",
        exclude_bought=setup.seen == "masked if bought",
        created_ms=now_ms,
        metrics=training,
    )
    manifest = export_bundle(
        model, setup.served, output, provenance,
        popular_by=_popularity(candidates), related_tables=related_tables, actions=actions,
        reranker=second_stage.reranker,
        cold_scales=cold.with_.scales, sentences=setup.sentences,
        with_public_lists=hyperparameters.public_lists,
    )  # fmt: skip
    parity = manifest.metrics["parity"]
    say(f"parity: {parity['histories']} histories, largest relative difference {parity['largest_difference']:.1e}")
    say(f"ndcg_at_{K}={winner.quality.ndcg:.6f} hr_at_{K}={winner.quality.hr:.6f}")
    say(f"model {manifest.version}: {manifest.algorithm} in {output}")
    return manifest


@dataclasses.dataclass(frozen=True, kw_only=True)
class _Setup:
    """Data of a training and conditions of its comparison.

    `served` has items numbered by frequency, as in the bundle. `imported` is the graph to import, or None to train.
    """

    hyperparameters: Hyperparameters
    algorithms: Mapping[str, Algorithm]
    budget: Budget
    data: TrainingData
    served: TrainingData
    sentences: SentenceModel | None
    split: splits.Split
    seen: Seen
    repeat_share: float
    repurchase_share: float | None
    imported: Folder | None


def _prepare(dataset: Path, hyperparameters: Hyperparameters, sentence_model: Path | None, say: Say) -> _Setup:
    names = hyperparameters.algorithms
    budget = Budget(
        seconds=hyperparameters.budget_s,
        megabytes=hyperparameters.budget_mb or machine_megabytes(),
        quick=not names and not (dataset / CHAMPION_FOLDER).is_dir(),
    )
    algorithms = _seeded(named(names) if names else by_default(), hyperparameters.seed)
    data = load(dataset)
    interactions = data.interactions
    imported = _opened_import(dataset / IMPORTED_FOLDER, data, say)
    if imported is not None:
        algorithms = {"popularity": known()["popularity"], Imported.name: Imported.of(imported)}
    say(
        f"dataset {data.dataset_id}: {data.all_interactions:,} interactions, {data.all_users:,} users, "
        f"{interactions.items:,} items"
    )
    if interactions.counts is not None:
        say(
            f"models are fitted from statistics of all of them; the evaluation has {interactions.users:,} users, whose "
            f"{len(interactions):,} interactions are here"
        )
    sentences = None
    if sentence_model is not None and text_columns(data.properties):
        sentences = open_model(sentence_model, data.properties)
        say(described(sentences))
    elif sentence_model is not None:
        say("the sentence model is not used: no column of the items has texts, such as titles or descriptions")
    split = split_for(interactions, holdout_days=hyperparameters.holdout_days)
    if imported is not None:
        split = split_after(split, interactions, trained_until_ms=imported.trained_until_ms)
    repeat_share = split.validation.queries.repeat_share()  # the test set must not affect selections
    repurchases = repurchase_share(split.test.fit)
    seen = _seen(hyperparameters.exclude_seen, repeat_share=repeat_share, repurchase_share=repurchases)
    purchases = "" if repurchases is None else f" and {repurchases:.1%} of later purchases"
    say(
        f"{split.protocol} hold-out: {len(split.test.queries):,} evaluated users; "
        f"{repeat_share:.1%} of the validation's targets{purchases} were repeats, seen items are {seen}"
    )
    if note := split.test.queries.note_on_long_histories():
        say(note)
    require_targets(split, seen)
    return _Setup(
        hyperparameters=hyperparameters, algorithms=algorithms, budget=budget, data=data, served=data.by_frequency(),
        sentences=sentences, split=split, seen=seen, repeat_share=repeat_share, repurchase_share=repurchases,
        imported=imported,
    )  # fmt: skip


def _opened_import(directory: Path, data: TrainingData, say: Say) -> Folder | None:
    if not directory.is_dir():
        return None
    if data.interactions.counts is not None:
        raise InvalidInput("a graph cannot be imported with spark_statistics: turn them off, and import it again")
    folder = check_folder(directory)
    figures = _figures_of_import(folder, data)
    say(
        f"imported graph {folder.name!r}: {figures['known_items']:,} of its {len(folder.item_ids):,} items are among "
        f"the {len(data.item_ids):,} items with interactions; {len(folder.examples)} examples have the trainer's scores"
    )
    if not figures["known_items"]:
        raise InvalidBundle(
            f"model.json has items such as {folder.item_ids[0]!r}, none of which has interactions here, expected the "
            f"shop's item IDs such as {data.item_ids[0]!r}"
        )
    return folder


def _figures_of_import(folder: Folder, data: TrainingData) -> dict[str, Any]:
    return {
        "name": folder.name,
        "sha256": folder.sha256,
        "trained_until_ms": folder.trained_until_ms,
        "items": len(folder.item_ids),
        "known_items": len(set(folder.item_ids).intersection(data.item_ids)),
        "examples": len(folder.examples),
    }


def _imported(candidates: Sequence[Candidate], left_out: Mapping[str, str]) -> Candidate:
    """Return the imported graph's candidate, which wins even if popularity is better: the gate decides."""
    for candidate in candidates:
        if candidate.settings.name == Imported.name:
            return candidate
    raise InvalidInput(f"the imported graph cannot be evaluated: {left_out.get(Imported.name)}")


class _Aside(NamedTuple):
    """Functions that wait for the results of the second process."""

    cold_trials: Callable[[], Trials]
    related_figures: Callable[[], dict[str, RelatedFigures]]
    related_tables: Callable[[], dict[str, RelatedTable]]


def _submit_first(setup: _Setup, fits: Fits, submit: side_process.Submit, *, is_apart: bool) -> _Aside:
    """Submit the tasks of the second process. `fits` waits for the models when it needs them."""
    aside = []
    if is_apart and setup.budget.is_ample(setup.data.interactions):
        aside = _fitted_aside(_in_order_of_use(setup), setup.split)
    results = submit(
        [
            *(functools.partial(fitted_at_cost, *each) for each in aside),
            functools.partial(
                trials, part_items(setup.split), setup.data.properties, setup.data.unlearned, setup.sentences
            ),
            _related_figures(setup.data, setup.hyperparameters),
            functools.partial(
                related.related_tables,
                setup.served.interactions,
                event_weights=setup.data.event_weights,
                seed=setup.hyperparameters.seed,
            ),
        ]
    )
    for (settings, learned), model in zip(aside, results, strict=False):
        fits.expect(settings, learned, model)
    return _Aside(*results[len(aside) :])


def _compare(setup: _Setup, fits: Fits, say: Say) -> tuple[list[Candidate], Mapping[str, str]]:
    """Return the candidates in the algorithms' order, combinations last, and the reasons for excluded algorithms."""
    item_kinds = kinds(setup.data.properties, setup.split.test.order, variants=DEFAULT.variants)
    comparison = Comparison(
        setup.split, k=K, seen=setup.seen, fits=fits, say=say, budget=setup.budget, kinds=item_kinds
    )
    candidates = _in_named_order(comparison.candidates(_in_order_of_use(setup)), setup.algorithms)
    if not candidates:
        raise InvalidInput(f"no algorithm can be fitted here: {comparison.left_out}")
    return candidates, comparison.left_out


def _segments(setup: _Setup, fits: Fits, winner: Candidate) -> dict[str, dict[str, float]]:
    test = setup.split.test
    dataset_categories = categories(setup.data.properties)
    item_categories = [dataset_categories[item - 1] for item in test.order]
    return sliced(fits.fit(winner.settings, test.fit), test, k=K, seen=setup.seen, categories=item_categories)


def _earlier_fits(setup: _Setup, fits: Fits, winner: Candidate) -> Sequence[EarlierFit]:
    """Return the winner's fits for test and validation, or an empty list for the protocol leave-one-out."""
    split = setup.split
    until = {split.learned_until_ms: split.validation.fit}
    if split.test.fit is not split.validation.fit:
        until = {split.selected_until_ms: split.test.fit, **until}
    return [EarlierFit(fits.fit(winner.settings, known), until_ms) for until_ms, known in until.items() if until_ms]


def _compare_with_champion(
    setup: _Setup, champion: Path, winner: Candidate, earlier: Sequence[EarlierFit], say: Say
) -> tuple[AgainstChampion | None, NewData | None]:
    data, seed = setup.data, setup.hyperparameters.seed
    compared = against_champion(
        champion, data, winner.settings, k=K, seen=setup.seen, categories=categories(data.properties),
        selected_until_ms=setup.split.selected_until_ms, earlier=earlier, seed=seed,
    )  # fmt: skip
    if compared is None:
        return None, None
    say(compared.sentence(k=K))
    if setup.imported is not None:  # The graph has not learned the new interactions.
        return compared, None
    new = None
    if compared.opened is not None and compared.since_ms is not None:
        new = judge_new_data(
            compared.opened, data, winner.settings, since_ms=compared.since_ms, k=K, seen=setup.seen, earlier=earlier,
            seed=seed,
        )  # fmt: skip
    if new is not None:
        say(new.sentence(k=K))
    return compared, new


def _seen(exclude_seen: bool | None, *, repeat_share: float, repurchase_share: float | None) -> Seen:
    if exclude_seen is not None:
        return "masked" if exclude_seen else "allowed"
    return choose_seen(repeat_share=repeat_share, repurchase_share=repurchase_share)


def _in_order_of_use(setup: _Setup) -> dict[str, Algorithm]:
    """Sort algorithms: quick ones of this process, those of the second process, and those with a cost estimate."""
    past = setup.split.validation.fit
    return dict(
        sorted(setup.algorithms.items(), key=lambda item: (item[1].fit_cost(past) is not None, item[0] in ASIDE))
    )


def _in_named_order(candidates: Iterable[Candidate], algorithms: Collection[str]) -> list[Candidate]:
    place = {name: number for number, name in enumerate(algorithms)}
    return sorted(candidates, key=lambda one: (isinstance(one.settings, Combination), place[one.settings.name]))


def _fitted_aside(algorithms: Mapping[str, Algorithm], split: splits.Split) -> list[tuple[Algorithm, Interactions]]:
    """Return the settings and interactions of the second process's fits, in the order of their use."""
    learned = [split.validation.fit]
    if split.test.fit is not split.validation.fit:
        learned.append(split.test.fit)
    return [
        (algorithm.learning_settings(), interactions)
        for name, algorithm in algorithms.items()
        if name in ASIDE and algorithm.unsupported_reason(split.validation.fit) is None
        for interactions in learned
    ]


def _related_figures(data: TrainingData, hyperparameters: Hyperparameters) -> side_process.Task:
    """Return a task that evaluates related items on the validation window."""
    interactions = data.interactions
    times = splits.windows(interactions, holdout_ms=splits.holdout_ms(interactions, days=hyperparameters.holdout_days))
    return functools.partial(
        related_quality.measure,
        interactions,
        event_weights=data.event_weights,
        after_ms=times.learned_ms,
        until_ms=times.validated_ms,
        k=K,
        seed=hyperparameters.seed,
    )


def _popularity(candidates: list[Candidate]) -> Algorithm:
    """Return the algorithm `popularity` with its selected settings, or with default settings if it was not compared."""
    settings_by_name = {candidate.settings.name: candidate.settings for candidate in candidates}
    return settings_by_name.get("popularity", known()["popularity"])


def _seeded(algorithms: Mapping[str, Algorithm], seed: int) -> Mapping[str, Algorithm]:
    seeded = {}
    for name, algorithm in algorithms.items():
        fields = {field.name for field in dataclasses.fields(algorithm)}
        seeded[name] = dataclasses.replace(algorithm, **({"seed": seed} if "seed" in fields else {}))
    return seeded


def _fail(base: Path, reason: str) -> int:
    (base / "output").mkdir(parents=True, exist_ok=True)
    (base / "output/failure").write_text(reason[:FAILURE_CHARACTERS])
    sys.stderr.write(f"training failed: {reason}\n")
    return 1


def count_figures(interactions: Interactions) -> dict[str, object] | None:
    if interactions.counts is None:
        return None
    return {
        "moments_ms": interactions.counts.manifest.moments,
        "asked_of_interactions": len(interactions),
        "asked_of_users": interactions.users,
    }


def sentence_figures(model: SentenceModel | None) -> dict[str, object] | None:
    return None if model is None else {"columns": model.columns, "tokens": len(model.table)}


def summary(candidate: Candidate, winner: Candidate) -> dict[str, object]:
    """Return the metrics of a candidate, with 95% bootstrap intervals of the winner's lead in NDCG."""
    return {
        "algorithm": candidate.settings.name,
        "settings": candidate.settings.describe(),
        "validation_ndcg": candidate.validation_ndcg,
        "hr": candidate.quality.hr,
        "ndcg": candidate.quality.ndcg,
        "winner_ahead_validation": list(interval(winner.validation_gains - candidate.validation_gains)),
        "winner_ahead_test": list(interval(winner.quality.gains - candidate.quality.gains)),
        "mrr": candidate.quality.mrr,
        "coverage": candidate.quality.coverage,
        "popularity_ratio": candidate.quality.popularity_ratio,
        "products": None if candidate.quality.products is None else dataclasses.asdict(candidate.quality.products),
        "fit_s": candidate.fit_s,
        "peak_mb": candidate.peak_mb,
    }


if __name__ == "__main__":
    sys.exit(main())
