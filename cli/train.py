"""`alsolike train`: one run of the training workflow."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer
from typer import Option

from alsolike.registry.decision import WAITING
from alsolike.registry.promotion import check_change_reason
from alsolike.registry.versions import candidates
from alsolike.training.executions import execution_name
from cli import terminal
from cli.options import Context, Output, interruptible
from operations.client.deployment import Deployment
from operations.models import dataset_quality, training_run
from operations.models.training_run import TrainingResult

NOT_PROMOTED = 3
"""Exit status of a run that finished without promoting its model."""

_BEGINS_WITHIN_S = 60.0
"""Maximum time in seconds to wait for the start of a run with --no-follow."""


def train(
    context: Context,
    follow: Annotated[bool, Option(help="Print the progress and the result of the run.")] = True,
    reason: Annotated[str | None, Option(help="Reason to record with the run.", metavar="TEXT")] = None,
    execution: Annotated[
        str | None, Option(metavar="NAME", help="Follow this run of `alsolike status` without starting one.")
    ] = None,
) -> None:
    """Run the training workflow.

    The workflow builds a dataset, trains, evaluates at the gate and runs the canary. Exit with 0 if the model became
    champion, and 1 if the run failed or another one is active. Exit with 3 if the gate or the canary rejected the
    model, or if it is waiting for evidence or a promotion.

    Example: alsolike train --reason "new categories"
    """
    if reason is not None:
        check_change_reason(reason)
    deployment = context.deployment
    if execution:
        execution_arn = training_run.runs(deployment).named(execution)
    else:
        execution_arn = training_run.start(deployment, reason=reason or "")
    if not follow:
        begun = training_run.wait_until_begun(deployment, execution_arn, within_s=_BEGINS_WITHIN_S)
        line = f"started {execution_arn}{'' if begun else ', which has not begun yet'}"
        context.print({"execution_arn": execution_arn, "begun": begun}, line)
        return
    follow_run(context, deployment, execution_arn)


def follow_run(context: Context, deployment: Deployment, execution_arn: str) -> None:
    """Print the progress and the result of a run. Exit with `NOT_PROMOTED` if it does not promote its model.

    After Ctrl-C, exit with `INTERRUPTED`. The run continues.
    """

    def note() -> str:
        name, options = execution_name(execution_arn), context.options
        return (
            f"the run continues without this command, as execution {name}; "
            f"`{terminal.call('status', *options)}` shows its result, "
            f"`{terminal.call('train', '--execution', name, *options)}` follows it"
        )

    with interruptible(note), terminal.step("training") as step:
        outcome = training_run.follow(deployment, execution_arn, on_state=step.note, on_line=step.say)
    _print(deployment, execution_arn, outcome, context)
    if outcome.decision != "promoted":
        raise typer.Exit(NOT_PROMOTED)


def _print(deployment: Deployment, execution_arn: str, outcome: TrainingResult, output: Output) -> None:
    from cli.models import print_candidates_of
    from operations.models import versions as model_versions

    manifest = model_versions.manifest(deployment, outcome.version)
    quality = dataset_quality.read_manifest(deployment, outcome.run_id) if outcome.trained else None
    document = {
        "execution_arn": execution_arn,
        **dataclasses.asdict(outcome),
        "dataset": dataset_quality.document(quality) if quality else None,
        "candidates": [dataclasses.asdict(candidate) for candidate in candidates(manifest)],
        "left_out": model_versions.left_out(manifest),
        "reranker": model_versions.reranker(manifest),
    }
    if output.printed(document):
        return
    print_candidates_of(manifest)
    terminal.print_lines(dataset_quality.sentences(quality) if quality else ())
    result = "waits" if outcome.decision == WAITING else f"was {outcome.decision.replace('_', ' ')}"
    terminal.print_line(f"model {outcome.version} {result}:")
    terminal.print_lines(f"  {reason}" for reason in outcome.reasons)
