"""`alsolike models`: versions, and which of them is champion."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import AsJson, Stack, State

if TYPE_CHECKING:
    from alsolike.registry import Champion

app = typer.Typer(no_args_is_help=True, help="Model versions, and which of them is champion.")

Version = Annotated[str, typer.Argument(metavar="VERSION", show_default=False)]


@app.command("list")
def list_versions(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """List the versions, the latest first."""
    from cli import console, deployment, model_versions

    found = model_versions.versions(deployment.resolve(stack=stack, state=state))
    if as_json:
        console.print_json([dataclasses.asdict(version) for version in found])
    elif not found:
        console.print_line("there is no model yet; `alsolike train` makes one")
    else:
        console.print_table(
            ["version", "status", "algorithm", "items", "HR@10", "NDCG@10", "coverage"],
            [
                [version.version, version.status, version.algorithm, version.items]
                + ([winner.hr, winner.ndcg, winner.coverage] if (winner := version.winner) else [None] * 3)
                for version in found
            ],
        )


@app.command("show")
def show(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Show a version: its figures, what it was trained on, how it was registered and promoted."""
    from cli import console, deployment, model_versions

    where = deployment.resolve(stack=stack, state=state)
    found = model_versions.registered(where, version)
    champion = model_versions.pointer(where).champion()
    promotions = [entry for entry in (champion.history if champion else ()) if entry.version == version]
    manifest = None if found.status == "rejected" else model_versions.manifest(where, version)
    if as_json:
        document = {**dataclasses.asdict(found), "promotions": [dataclasses.asdict(entry) for entry in promotions]}
        console.print_json({**document, "manifest": dataclasses.asdict(manifest) if manifest else None})
        return
    if manifest:
        title = model_versions.holdout_title(manifest)
        model_versions.print_candidates(model_versions.candidates(manifest), title=title)
    else:
        model_versions.print_candidates(found.candidates)
    console.print_line(f"version    {found.version}, {found.status}, made {_time(found.created_ms)}")
    console.print_line(f"algorithm  {found.algorithm}, {found.items:,} items")
    if manifest:
        console.print_line(f"dataset    {manifest.dataset_id}, up to {_time(manifest.last_event_ms)}")
        console.print_line(f"code       {manifest.code_version}")
        for kind, related in manifest.metrics.get("related", {}).items():  # models of earlier versions have none
            console.print_line(
                f"{kind:10} HR@{manifest.metrics['k']} {related['hr']:.4f} of {related['asked']:,} items asked, "
                f"{related['popular_hr']:.4f} with the most frequent ones"
            )
    console.print_line(f"package    {found.package_arn}")
    for promotion in promotions:
        console.print_line(f"promoted   {_time(promotion.promoted_ms)}: {promotion.reason}")


@app.command("promote")
def promote(
    version: Version,
    reason: Annotated[str, typer.Option(help="Why; kept in the champion's history.", show_default=False)],
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make a version champion; serving follows within a minute."""
    from cli import deployment, model_versions

    registry = model_versions.pointer(deployment.resolve(stack=stack, state=state))
    _show_champion(registry.promote(version, reason=reason, now_ms=_now_ms()), as_json=as_json)


@app.command("rollback")
def rollback(
    reason: Annotated[str, typer.Option(help="Why; kept in the champion's history.")] = "rolled back by hand",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Make the version champion that was it before."""
    from cli import deployment, model_versions

    registry = model_versions.pointer(deployment.resolve(stack=stack, state=state))
    _show_champion(registry.roll_back(reason=reason, now_ms=_now_ms()), as_json=as_json)


def _show_champion(champion: Champion, *, as_json: bool) -> None:
    from cli import console

    if as_json:
        history = [dataclasses.asdict(promotion) for promotion in champion.history]
        console.print_json({"version": champion.version, "previous": champion.previous, "history": history})
    else:
        behind = f"a rollback brings back {champion.previous}" if champion.previous else "there is none to roll back to"
        console.print_line(f"{champion.version} is champion; {behind}")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _time(time_ms: int) -> str:
    import datetime as dt

    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
