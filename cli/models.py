"""`alsolike models`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from alsolike.registry import promotion, version_history
from alsolike.registry.versions import RETIRED, AlgorithmFigures, candidates
from alsolike.runtime.errors import InvalidInput
from cli import terminal
from cli.group import CommandGroup
from cli.options import Context, HistoryReason, Output
from operations import times
from operations.models import maintenance, training_run
from operations.models import versions as model_versions
from operations.progress import counted

if TYPE_CHECKING:
    from alsolike.bundle.manifest import Manifest
    from alsolike.registry.bundle_files import DamagedFile
    from alsolike.registry.canary_report import CanaryReport
    from alsolike.registry.champion_pointer import Champion
    from alsolike.registry.decision import Decision
    from operations.models.version_comparison import Difference

app = CommandGroup(help="Model versions, promotion and rollback.")

Version = Annotated[str, Argument(metavar="VERSION", show_default=False)]

HOLDOUT = "Quality on the test part (* selected on the validation part)"
_SHOWN_ITEMS = 10


@app.command("list")
def list_versions(context: Context) -> None:
    """List the model versions, the latest first.

    Example: alsolike models list
    """
    deployment = context.deployment
    found = model_versions.of(deployment).all()
    damaged = model_versions.damaged(deployment)
    context.print_rows(
        [
            {**dataclasses.asdict(version), "damaged": [str(file) for file in damaged.get(version.version, ())]}
            for version in found
        ],
        ["version", "status", "pinned", "algorithm", "items", "HR@10", "NDCG@10", "coverage"],
        [
            [version.version, model_versions.status(version, damaged=damaged.get(version.version, ())),
             "pinned" if version.pinned else "", version.algorithm,
             version.items]
            + ([winner.hr, winner.ndcg, winner.coverage] if (winner := version.winner) else [None] * 3)
            for version in found
        ],
        empty="There is no model yet. Train one with `alsolike train`.",
    )  # fmt: skip
    if found and not context.as_json:
        terminal.print_lines(f"{version} {model_versions.damage_sentence(files)}" for version, files in damaged.items())
        champion = model_versions.pointer(deployment).champion()
        if champion is not None and champion.held is not None:
            terminal.print_line(f"promotions are {champion.held}")


@app.command("show")
def show(context: Context, version: Version) -> None:
    """Show a version: metrics, dataset, decisions, promotions.

    Example: alsolike models show 2026-03-01-ab12
    """
    deployment = context.deployment
    found = version_history.version_history(model_versions.of(deployment), version)
    damaged = () if found.version.status == RETIRED else model_versions.damaged_files_of(deployment, version)
    if not context.printed({**found.document(), "damaged": [str(file) for file in damaged]}):
        _print_history(found, damaged)


@app.command("diff")
def diff(
    context: Context,
    before: Annotated[str, Argument(metavar="A", show_default=False)],
    after: Annotated[str, Argument(metavar="B", show_default=False)],
) -> None:
    """Show the differences of version B from version A.

    Example: alsolike models diff A B
    """
    from operations.models.version_comparison import difference

    found = difference(context.deployment, before, after)
    if not context.printed(dataclasses.asdict(found)):
        _print_difference(found)


@app.command("import")
def import_graph(
    context: Context,
    directory: Annotated[Path, Argument(metavar="DIRECTORY", show_default=False)],
    follow: Annotated[bool, Option(help="Print the progress and the result of the run.")] = True,
    again: Annotated[bool, Option("--again", help="Evaluate a graph that was imported before.")] = False,
) -> None:
    """Import an ONNX graph of another trainer, and evaluate it.

    DIRECTORY contains graph.onnx and model.json. The run evaluates the graph on the shop's own test data. The exit
    status is that of `alsolike train`.

    Example: alsolike models import bundle/
    """
    from cli.train import follow_run
    from operations.models import graph_import

    folder = graph_import.check(directory)
    deployment = context.deployment
    known = None if again else graph_import.imported_version(deployment, folder)
    if known is not None:
        line = f"{known.version} already contains this graph, {known.status}; --again evaluates it again"
        context.print({"version": known.version, "status": known.status, "execution_arn": None}, line)
        return
    execution = graph_import.start(deployment, folder, reason=f"import of {folder.name}")
    if follow:
        follow_run(context, deployment, execution)
        return
    context.print({"version": None, "status": None, "execution_arn": execution}, f"started {execution}")


@app.command("promote")
def promote(
    context: Context,
    version: Version,
    reason: HistoryReason,
    canary: Annotated[bool, Option("--canary", help="Run a canary first.")] = False,
    force: Annotated[bool, Option("--force", help="Promote a version that the gate rejected.")] = False,
) -> None:
    """Promote a version to champion. Serving uses it within a minute.

    Example: alsolike models promote VERSION --reason "better on new items"
    """
    promotion.check_change_reason(reason)
    deployment = context.deployment
    versions = model_versions.of(deployment)
    champion = versions.registry.champion()
    overriding: dict[str, Any] = {"reason": reason, "force": reason if force else None, "how_to_force": "--force"}
    if not canary:
        promoted = promotion.promote(versions, version, expected=champion, now_ms=times.now_ms(), **overriding)
        for warning in promotion.approve(versions, version, reason=reason):
            terminal.say(f"warning: {warning}")
        _print_champion(promoted, context)
        return
    runs = training_run.runs(deployment)
    execution = promotion.start_canary(versions, runs, version, champion=champion, **overriding)
    with terminal.step("canary"):
        training_run.wait_until_begun(deployment, execution)
    look = terminal.call("models", "show", version, *context.options)
    context.print({"version": version, "execution_arn": execution}, f"started {execution}; `{look}` shows its result")


@app.command("rollback")
def rollback(
    context: Context,
    reason: HistoryReason = "rolled back by hand",
    canary: Annotated[bool, Option("--canary", help="Stop the canary and keep the champion.")] = False,
    champion: Annotated[bool, Option("--champion", help="Roll back the champion and stop a running canary.")] = False,
) -> None:
    """Promote the previous champion, and pause automatic promotions.

    Example: alsolike models rollback --reason "complaints about duplicates"
    """
    promotion.check_change_reason(reason)
    if canary and champion:
        raise InvalidInput("--canary keeps the champion, --champion rolls it back: expected one of them")
    versions = model_versions.of(context.deployment)
    if canary:
        pointer = promotion.end_canary(versions, versions.registry.champion(), reason=reason)
    else:
        pointer = versions.registry.roll_back(reason=reason, now_ms=times.now_ms(), with_canary=champion)
    _print_champion(pointer, context)


@app.command("resume")
def resume(context: Context) -> None:
    """Resume automatic promotions after a rollback.

    Example: alsolike models resume
    """
    versions = model_versions.of(context.deployment)
    _print_champion(promotion.resume(versions, versions.registry.champion()), context)


@app.command("retire")
def retire(context: Context, version: Version) -> None:
    """Delete the files of a version. Its metrics, gate decision and package stay.

    Example: alsolike models retire VERSION
    """
    deleted = maintenance.retire(context.deployment, version, now_ms=times.now_ms())
    context.print({"version": version, "files": deleted}, f"{deleted} files of {version} are deleted")


@app.command("pin")
def pin(context: Context, version: Version) -> None:
    """Exclude the files of a version from automatic deletion.

    Example: alsolike models pin VERSION
    """
    _pin(context, version, pinned=True)


@app.command("unpin")
def unpin(context: Context, version: Version) -> None:
    """Allow automatic deletion of a pinned version's files.

    Example: alsolike models unpin VERSION
    """
    _pin(context, version, pinned=False)


@app.command("repair")
def repair(
    context: Context,
    champion: Annotated[
        str | None, Option(metavar="VERSION", help="Version to make champion. Default: the champion before the damage.")
    ] = None,
    without_champion: Annotated[
        bool, Option("--without-champion", help="Begin without a champion, as before the first promotion.")
    ] = False,
    reason: HistoryReason = "repaired by hand",
) -> None:
    """Repair model files, champion pointer, training lock, actions.

    Example: alsolike models repair --champion VERSION
    """
    promotion.check_change_reason(reason)
    if champion is not None and without_champion:
        raise InvalidInput("--champion selects a champion, --without-champion removes it: expected one of them")
    deployment = context.deployment
    done = maintenance.repair(
        deployment, version=champion, without_champion=without_champion, reason=reason, now_ms=times.now_ms()
    )
    context.print({"repaired": done}, *(done or ["nothing is damaged"]))


def _pin(context: Context, version: str, *, pinned: bool) -> None:
    versions = model_versions.of(context.deployment)
    champion = promotion.pin(versions, versions.registry.champion(), version, pinned=pinned)
    document = {"version": version, "pinned": list(champion.pinned)}
    context.print(document, f"pinned: {', '.join(champion.pinned) or 'nothing'}")


def _print_champion(champion: Champion, output: Output) -> None:
    document = {
        "version": champion.version,
        "previous": champion.previous,
        "history": [dataclasses.asdict(one) for one in champion.history],
        "canary": champion.canary and dataclasses.asdict(champion.canary),
        "ended": champion.ended and dataclasses.asdict(champion.ended),
        "held": champion.held and dataclasses.asdict(champion.held),
    }
    behind = f"a rollback brings back {champion.previous}" if champion.previous else "there is none to roll back to"
    held = [] if champion.held is None else [f"promotions are {champion.held}"]
    output.print(document, f"{champion.version} is champion; {behind}", *held)


def print_candidates_of(manifest: Manifest) -> None:
    print_candidates(
        candidates(manifest),
        title=model_versions.holdout_title(manifest),
        left_out=model_versions.left_out(manifest),
        reranker=model_versions.reranker(manifest),
        selection=model_versions.selection(manifest),
    )


def print_candidates(
    figures: Sequence[AlgorithmFigures],
    *,
    title: str = HOLDOUT,
    left_out: Mapping[str, str] = MappingProxyType({}),
    reranker: str | None = None,
    selection: Sequence[str] = (),
) -> None:
    terminal.print_lines(f"{name} was left out: {reason}" for name, reason in left_out.items())
    if reranker is not None:
        terminal.print_line(f"reranker: {reranker}")
    terminal.print_table(
        ["algorithm", "validation NDCG@10", "HR@10", "NDCG@10", "MRR", "coverage", "fit s"],
        [
            [f"{each.algorithm} *" if each.winner else each.algorithm, each.validation_ndcg, each.hr, each.ndcg,
             each.mrr, each.coverage, "" if each.fit_s is None else f"{each.fit_s:.1f}"]
            for each in figures
        ],
        title=title,
    )  # fmt: skip
    terminal.print_lines(selection)


def _print_history(found: version_history.VersionHistory, damaged: Sequence[DamagedFile]) -> None:
    version, manifest = found.version, found.manifest
    if manifest:
        print_candidates_of(manifest)
    else:
        print_candidates(version.candidates)
    status = model_versions.status(version, damaged=damaged) + (", pinned" if version.pinned else "")
    terminal.print_line(f"version    {version.version}, {status}, made {_time(version.created_ms)}")
    if damaged:
        terminal.print_line(f"files      {model_versions.damage_sentence(damaged)}")
    terminal.print_line(f"algorithm  {version.algorithm}, {counted(version.items, 'item')}")
    if manifest:
        terminal.print_line(f"dataset    {manifest.dataset_id}, up to {_time(manifest.last_event_ms)}")
        if imported := manifest.metrics.get("imported"):
            known = f"{imported['known_items']:,} of its {counted(imported['items'], 'item')} known"
            terminal.print_line(f"imported   {imported['name']}, up to {_time(imported['trained_until_ms'])}, {known}")
        terminal.print_line(f"code       {manifest.code_version}")
        for kind, related in manifest.metrics.get("related", {}).items():  # absent in models of earlier releases
            terminal.print_line(
                f"{kind:10} HR@{manifest.metrics['k']} {related['hr']:.4f} of {related['asked']:,} queries, "
                f"{related['popular_hr']:.4f} with the most frequent items"
            )
        if cold := manifest.metrics.get("cold_start"):
            terminal.print_line(f"cold items {_scales(cold['with_'])}")
    terminal.print_line(f"package    {version.package_arn}, {version.approval}")
    if found.decision is not None:
        _print_decision(found.decision)
    if found.canary is not None:
        _print_canary(found.canary)
    for promoted in found.promotions:
        forced = " (forced)" if promoted.forced else ""
        terminal.print_line(f"promoted   {_time(promoted.promoted_ms)}: {promoted.reason}{forced}")


def _print_decision(decision: Decision) -> None:
    compared = f"compared with {decision.champion}" if decision.champion else "without a champion"
    terminal.print_line(f"gate       {decision.verdict} {_time(decision.decided_ms)}, {compared}")
    terminal.print_lines(f"           {check}" for check in decision.checks)
    if decision.forced:
        terminal.print_line(f"forced     {decision.forced}")


def _print_canary(canary: CanaryReport) -> None:
    looks = f"{len(canary.looks)} looks from {_time(canary.started_ms)} to {_time(canary.looks[-1].at_ms)}"
    share = f", {canary.share:.0%} of the users next to {canary.champion}" if canary.champion else ""
    terminal.print_line(f"canary     {canary.state.replace('_', ' ')}{share}, {looks}")
    if canary.reason:
        terminal.print_line(f"           started {canary.reason}")
    terminal.print_lines(f"           {reason}" for reason in canary.reasons)


def _time(time_ms: int) -> str:
    return f"{times.text(time_ms)} UTC"


def _scales(figures: Mapping[str, Any]) -> str:
    """Return the weights of cold items as text. Models of earlier releases have a single weight."""
    scales = figures.get("scales")
    if scales is None:
        return f"score {figures['scale']:g} times what is like them"
    return f"score {scales['new']:g} times what is like them where they are new, {scales['rare']:g} times where rare"


def _print_difference(found: Difference) -> None:
    for title, changes in (("figures", found.figures), ("dataset", found.dataset)):
        rows = [[change.name, change.before, change.after, change.delta] for change in changes]
        if rows:
            terminal.print_table([title, found.before, found.after, "difference"], rows)
    if not found.figures:
        terminal.print_line("their metrics are equal")
    for label, items in (("added", found.items_added), ("gone", found.items_gone)):
        more = f" and {len(items) - _SHOWN_ITEMS:,} more" if len(items) > _SHOWN_ITEMS else ""
        terminal.print_line(f"items {label}: {', '.join(items[:_SHOWN_ITEMS]) or 'none'}{more}")
