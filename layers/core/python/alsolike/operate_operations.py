"""The operator's routes that act."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike import operate_answers as answers
from alsolike.operate_requests import (
    CHANGE,
    MODELS_QUERY,
    PREVIEW,
    PROMOTE,
    ROLL_BACK,
    START,
    TRAININGS_QUERY,
)
from alsolike.operation import ADMINISTER, Operation


def operate_operations() -> Iterator[Operation]:
    """Yield every route."""
    yield Operation(
        "GET /operator/models",
        "ListModels",
        "List the latest model versions, and say which is champion",
        [ADMINISTER],
        answers.MODELS,
        errors=[400],
        query=MODELS_QUERY,
    )
    yield Operation(
        "GET /operator/models/{version}",
        "ShowModel",
        "Show all that is known of a model version",
        [ADMINISTER],
        answers.MODEL_STORY,
        errors=[400, 404],
    )
    yield Operation(
        "POST /operator/models/{version}/promotion",
        "PromoteModel",
        "Make a model version champion, or let the workflow try it first",
        [ADMINISTER],
        answers.PROMOTION,
        errors=[400, 404, 409],
        body=("PromoteModel", PROMOTE.schema()),
    )
    for verb, summary in (
        ("pin", "Keep a model version's files whatever its age"),
        ("unpin", "Let a model version's files go when their time comes"),
    ):
        yield Operation(
            f"POST /operator/models/{{version}}/{verb}",
            f"{verb.title()}Model",
            summary,
            [ADMINISTER],
            answers.CHAMPION,
            errors=[400, 404, 409],
            body=("ChangeModels", CHANGE.schema()),
        )
    yield Operation(
        "POST /operator/models/resume",
        "ResumeModels",
        "Let new model versions become champion by themselves again, which a rollback had held",
        [ADMINISTER],
        answers.CHAMPION,
        errors=[400, 404, 409],
        body=("ChangeModels", CHANGE.schema()),
    )
    yield Operation(
        "POST /operator/rollbacks",
        "RollBack",
        "Make the model version champion that was it before, or end a trial",
        [ADMINISTER],
        answers.CHAMPION,
        errors=[400, 404, 409],
        body=("RollBack", ROLL_BACK.schema()),
    )
    yield Operation(
        "GET /operator/trainings",
        "ListTrainings",
        "List the latest runs of the training workflow",
        [ADMINISTER],
        answers.TRAININGS,
        errors=[400],
        query=TRAININGS_QUERY,
    )
    yield Operation(
        "POST /operator/trainings",
        "StartTraining",
        "Start a run of the training workflow",
        [ADMINISTER],
        answers.STARTED_TRAINING,
        errors=[400, 409],
        body=("StartTraining", START.schema()),
    )
    yield Operation(
        "POST /operator/rules/preview",
        "PreviewRules",
        "Show somebody's recommendations without rules and with them; nothing counts as shown",
        [ADMINISTER],
        answers.RULES_PREVIEW,
        errors=[400, 404],
        body=("PreviewRules", PREVIEW.schema()),
    )
