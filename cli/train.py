"""`alsolike train`: one run of the training workflow."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cli import console
from cli.options import AsJson, Stack, State
from operations.client import deployment
from operations.client.deployment import Deployment
from operations.models import dataset_quality, training_run
from operations.models.training_run import TrainingResult

NOT_PROMOTED = 3
"""Exit status where the run did all it should, and the champion is the one from before."""

_INTERRUPTED = 130

_BEGINS_WITHIN_S = 60.0
"""Longest wait for the start of a run that the caller does not follow."""


def train(
    follow: Annotated[bool, typer.Option(help="Print the progress and the result of the run.")] = True,
    reason: Annotated[str | None, typer.Option(help="Reason for the record of the run.", metavar="TEXT")] = None,
    execution: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Follow this run of `alsolike status` without starting one."),
    ] = None,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Run the training workflow.

    The workflow builds a dataset, trains, evaluates at the gate and runs the canary. Exit with 0 if the model became
    champion, 3 if the gate or the canary rejected it, and 1 if the run failed or another one is active.

    Example: alsolike train --reason "new categories"
    """
    from operations.models import promotion

    if reason is not None:
        promotion.check_change_reason(reason)
    where = deployment.resolve(stack=stack, state=state)
    execution_arn = (
        training_run.named(where, execution) if execution else training_run.start(where, reason=reason or "")
    )
    if not follow:
        begun = training_run.wait_until_begun(where, execution_arn, within_s=_BEGINS_WITHIN_S)
        if as_json:
            console.print_json({"execution_arn": execution_arn, "begun": begun})
        else:
            console.print_line(f"started {execution_arn}{'' if begun else ', which has not begun yet'}")
        return
    name = execution_arn.rpartition(":")[2]
    try:
        with console.step("training") as step:
            outcome = training_run.follow(where, execution_arn, on_state=step.note, on_line=step.say)
    except KeyboardInterrupt:
        options = deployment.options(stack=stack, state=state)
        again = console.call("train", "--execution", name, *options)
        look = console.call("status", *options)
        console.say(
            f"the run goes on without this command, as execution {name}; `{look}` shows what came of it, "
            f"`{again}` follows it"
        )
        raise typer.Exit(_INTERRUPTED) from None
    _show(where, execution_arn, outcome, as_json=as_json)
    if outcome.decision != "promoted":
        raise typer.Exit(NOT_PROMOTED)


def _show(where: Deployment, execution_arn: str, outcome: TrainingResult, *, as_json: bool) -> None:
    from cli import candidates_table
    from operations.models import versions as model_versions

    manifest = model_versions.manifest(where, outcome.version)
    candidates, left_out = model_versions.candidates(manifest), model_versions.left_out(manifest)
    quality = dataset_quality.of_run(where, outcome.run_id) if outcome.trained else None
    if as_json:
        console.print_json(
            {
                "execution_arn": execution_arn,
                **dataclasses.asdict(outcome),
                "dataset": dataset_quality.document(quality) if quality else None,
                "candidates": [dataclasses.asdict(candidate) for candidate in candidates],
                "left_out": left_out,
            }
        )
        return
    candidates_table.print_candidates(
        candidates, title=model_versions.holdout_title(manifest), left_out=left_out,
        selection=model_versions.selection(manifest),
    )  # fmt: skip
    for line in dataset_quality.sentences(quality) if quality else ():
        console.print_line(line)
    console.print_line(f"model {outcome.version} was {outcome.decision.replace('_', ' ')}:")
    for reason in outcome.reasons:
        console.print_line(f"  {reason}")
