"""The verbs of `alsolike models` that change something: champion, trial, pins, files."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING, Annotated

import typer

from alsolike.runtime.errors import InvalidInput
from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.models import training_run

if TYPE_CHECKING:
    from alsolike.registry.champion import Champion

Version = Annotated[str, typer.Argument(metavar="VERSION", show_default=False)]
Reason = Annotated[str, typer.Option(help="Reason for the champion's history.")]


def promote(
    version: Version,
    reason: Annotated[str, typer.Option(help="Reason for the history.", show_default=False)],
    canary: Annotated[bool, typer.Option("--canary", help="Run a canary first.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Promote a version that the gate rejected.")] = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Promote a version to champion. Serving uses it within a minute.

    Example: alsolike models promote VERSION --reason "better on new items"
    """
    from operations.models import promotion

    promotion.check_change_reason(reason)
    where = deployment.resolve(stack=stack, state=state)
    if not canary:
        champion, warnings = promotion.promote(where, version, reason=reason, force=force, now_ms=_now_ms())
        for warning in warnings:
            console.say(f"warning: {warning}")
        _show_champion(champion, as_json=as_json)
        return
    execution = promotion.start_canary(where, version, reason=reason, force=force)
    with console.step("canary"):
        training_run.wait_until_begun(where, execution)
    if as_json:
        console.print_json({"version": version, "execution_arn": execution})
    else:
        look = console.call("models", "show", version, *deployment.options(stack=stack, state=state))
        console.print_line(f"started {execution}; `{look}` shows its result")


def rollback(
    reason: Reason = "rolled back by hand",
    canary: Annotated[bool, typer.Option("--canary", help="Stop the canary and keep the champion.")] = False,
    champion: Annotated[
        bool, typer.Option("--champion", help="Roll back the champion and stop a running canary.")
    ] = False,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Promote the previous champion, pause automatic promotions.

    Example: alsolike models rollback --reason "complaints about duplicates"
    """
    from operations.models import promotion
    from operations.models import versions as model_versions

    promotion.check_change_reason(reason)
    if canary and champion:
        raise InvalidInput("--canary leaves the champion as it is, --champion takes it back: expected one of them")
    where = deployment.resolve(stack=stack, state=state)
    if canary:
        pointer = promotion.end_canary(where, reason=reason)
    else:
        now_ms = _now_ms()
        pointer = model_versions.pointer(where).roll_back(reason=reason, now_ms=now_ms, with_trial=champion)
    _show_champion(pointer, as_json=as_json)


def resume(stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Resume automatic promotions after a rollback.

    Example: alsolike models resume
    """
    from operations.models import promotion

    _show_champion(promotion.resume(deployment.resolve(stack=stack, state=state)), as_json=as_json)


def retire(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Delete the files of a version. Its metrics, gate decision and package stay.

    Example: alsolike models retire VERSION
    """
    from operations.models import promotion

    deleted = promotion.retire(deployment.resolve(stack=stack, state=state), version, now_ms=_now_ms())
    if as_json:
        console.print_json({"version": version, "files": deleted})
    else:
        console.print_line(f"{deleted} files of {version} are deleted")


def pin(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Exclude the files of a version from automatic deletion.

    Example: alsolike models pin VERSION
    """
    _pin(version, stack=stack, state=state, pinned=True, as_json=as_json)


def unpin(version: Version, stack: Stack = None, state: State = None, as_json: AsJson = False) -> None:
    """Allow automatic deletion of a pinned version's files.

    Example: alsolike models unpin VERSION
    """
    _pin(version, stack=stack, state=state, pinned=False, as_json=as_json)


def repair(
    champion: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="Version to make champion, by default the one before the damage."),
    ] = None,
    without_champion: Annotated[
        bool, typer.Option("--without-champion", help="Begin without a champion, as before the first promotion.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Reason for the champion's history.")] = "repaired by hand",
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Repair a damaged champion pointer or training lock.

    Example: alsolike models repair --champion VERSION
    """
    from operations.models import promotion

    promotion.check_change_reason(reason)
    if champion is not None and without_champion:
        raise InvalidInput("--champion names a champion, --without-champion leaves none: expected one of them")
    where = deployment.resolve(stack=stack, state=state)
    done = promotion.repair(where, version=champion, without_champion=without_champion, reason=reason, now_ms=_now_ms())
    if as_json:
        console.print_json({"repaired": done})
    for sentence in () if as_json else done or ["the champion pointer and the training lock are readable"]:
        console.print_line(sentence)


def _pin(version: str, *, stack: Stack, state: State, pinned: bool, as_json: bool) -> None:
    from operations.models import promotion

    champion = promotion.pin(deployment.resolve(stack=stack, state=state), version, pinned=pinned)
    if as_json:
        console.print_json({"version": version, "pinned": list(champion.pinned)})
    else:
        console.print_line(f"pinned: {', '.join(champion.pinned) or 'nothing'}")


def _show_champion(champion: Champion, *, as_json: bool) -> None:
    if as_json:
        history = [dataclasses.asdict(promotion) for promotion in champion.history]
        known = {"version": champion.version, "previous": champion.previous, "history": history}
        rest = {"canary": champion.canary, "ended": champion.ended, "held": champion.held}
        console.print_json({**known, **{name: each and dataclasses.asdict(each) for name, each in rest.items()}})
    else:
        behind = f"a rollback brings back {champion.previous}" if champion.previous else "there is none to roll back to"
        console.print_line(f"{champion.version} is champion; {behind}")
        if champion.held is not None:
            console.print_line(f"promotions are {champion.held}")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
