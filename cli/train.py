"""`alsolike train`: one run of the training workflow."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cli.options import AsJson, Stack, State

_INTERRUPTED = 130


def train(
    follow: Annotated[bool, typer.Option(help="Wait for the end and show what came of it.")] = True,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Build a dataset, train, and let the gate decide on a new champion."""
    from cli import console, dataset_quality, deployment, model_versions, training_run

    where = deployment.resolve(stack=stack, state=state)
    execution_arn = training_run.start(where)
    if not follow:
        if as_json:
            console.print_json({"execution_arn": execution_arn})
        else:
            console.print_line(f"started {execution_arn}")
        return
    try:
        with console.step("training") as step:
            outcome = training_run.follow(where, execution_arn, on_state=step.note)
    except KeyboardInterrupt:
        name = execution_arn.rpartition(":")[2]
        look = console.call("status", *deployment.options(stack=stack, state=state))
        console.say(f"the run goes on without this command, as execution {name}; `{look}` shows what came of it")
        raise typer.Exit(_INTERRUPTED) from None
    quality = dataset_quality.of_run(where, outcome.run_id)
    if outcome.decision == "promoted":
        manifest = model_versions.manifest(where, outcome.version)
        candidates, title = model_versions.candidates(manifest), model_versions.holdout_title(manifest)
    else:
        candidates, title = model_versions.registered(where, outcome.version).candidates, model_versions.HOLDOUT
    if as_json:
        document = {"execution_arn": execution_arn, **dataclasses.asdict(outcome)}
        document |= {"dataset": dataset_quality.document(quality)}
        console.print_json({**document, "candidates": [dataclasses.asdict(candidate) for candidate in candidates]})
        return
    model_versions.print_candidates(candidates, title=title)
    for line in dataset_quality.sentences(quality):
        console.print_line(line)
    console.print_line(f"model {outcome.version} was {outcome.decision}:")
    for reason in outcome.reasons:
        console.print_line(f"  {reason}")
