"""`alsolike train`: one run of the training workflow."""

from __future__ import annotations

import dataclasses
from typing import Annotated

import typer

from cli.options import AsJson, Stack, State


def train(
    follow: Annotated[bool, typer.Option(help="Wait for the end and show what came of it.")] = True,
    stack: Stack = None,
    state: State = None,
    as_json: AsJson = False,
) -> None:
    """Build a dataset, train, and let the gate decide on a new champion."""
    from cli import console, deployment, model_versions, training_run

    where = deployment.resolve(stack=stack, state=state)
    execution_arn = training_run.start(where)
    if not follow:
        if as_json:
            console.print_json({"execution_arn": execution_arn})
        else:
            console.print_line(f"started {execution_arn}")
        return
    with console.step("training") as step:
        outcome = training_run.follow(where, execution_arn, on_state=step.note)
    if outcome.decision == "promoted":
        candidates = model_versions.candidates(model_versions.manifest(where, outcome.version))
    else:
        candidates = model_versions.registered(where, outcome.version).candidates
    if as_json:
        document = {"execution_arn": execution_arn, **dataclasses.asdict(outcome)}
        console.print_json({**document, "candidates": [dataclasses.asdict(candidate) for candidate in candidates]})
        return
    model_versions.print_candidates(candidates)
    console.print_line(
        f"trained on {outcome.interactions:,} interactions of {outcome.users:,} users with {outcome.items:,} items"
    )
    console.print_line(f"model {outcome.version} was {outcome.decision}: {'; '.join(outcome.reasons)}")
