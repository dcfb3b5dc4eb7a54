"""The next steps of a deployment's owner: import, train or recommend."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.runtime.errors import NotFound
from cli import console

if TYPE_CHECKING:
    from operations.client.deployment import Deployment


class Stage(Enum):
    """The state of a deployment."""

    EMPTY = auto()
    UNTRAINED = auto()
    TRAINED = auto()


def stage_of(where: Deployment) -> Stage:
    """Return whether a deployment has interactions and a model.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    """
    pass
    from operations.client.aws import translate_aws_errors
    from operations.models import versions as model_versions

    if model_versions.pointer(where).champion() is not None:
        return Stage.TRAINED
    bucket = where.names.lake_bucket
    with translate_aws_errors(f"bucket {bucket}"):
        objects = where.client("s3").list_objects_v2(Bucket=bucket, Prefix=INTERACTIONS_PREFIX, MaxKeys=1)
    return Stage.UNTRAINED if objects.get("Contents") else Stage.EMPTY


def step_lines(where: Deployment, *, reach: Sequence[str]) -> list[str]:
    """Return three numbered steps that match the state.

    Parameters
    ----------
    reach
        Options with which a command finds this deployment.
    """
    from cli import boot
    from cli.website import page_lines

    user_id = None if (stage := stage_of(where)) is Stage.EMPTY else stored_user(where)
    train = ("Train a model", console.call("train", *reach))
    recommend = ("Recommend", console.call("recommend", "--user", user_id or "ID", *reach))
    steps = {
        Stage.EMPTY: [
            (
                "Import your files",
                f"{console.call('import', 'items', 'items.csv', *reach)} && "
                f"{console.call('import', 'interactions', 'events.csv', *reach)}",
            ),
            train,
            recommend,
        ],
        Stage.UNTRAINED: [train, recommend, ("See the state", console.call("status", *reach))],
        Stage.TRAINED: [
            ("Open the pages", ", ".join(line.split()[-1] for line in page_lines(where)) or "this deployment has none"),
            (
                "Call the API",
                " && ".join(boot.curl_lines(where, user_id=user_id or "ID", item_id="ID", reach=reach)[:2]),
            ),
            recommend,
        ],
    }[stage]
    return [f"{number}. {title}: {command}" for number, (title, command) in enumerate(steps, start=1)]


def stored_user(where: Deployment) -> str | None:
    """Return the ID of a user with interactions; None if there is none, or if the deployment stores hashes of IDs.

    Raises
    ------
    Unavailable
        If DynamoDB does not answer.
    """
    from alsolike.events.interactions import profile_id
    from alsolike.profiles.store import ProfileStore

    if where.names.pseudonymise_ids == "1":
        return None
    prefix = profile_id(user_id="", session_id=None)
    profiles = ProfileStore(where.client("dynamodb"), where.names.profiles_table).scan()
    ids = (each.profile_id for each in profiles if each.recent)
    return next((each.removeprefix(prefix) for each in ids if each.startswith(prefix)), None)


def check_can_recommend(where: Deployment, *, reach: Sequence[str]) -> None:
    """Raise if a deployment has no data or no model.

    Raises
    ------
    NotFound
        With the commands to run first.
    """
    stage = stage_of(where)
    if stage is Stage.TRAINED:
        return
    train = console.call("train", *reach)
    if stage is Stage.UNTRAINED:
        raise NotFound(f"there is no model yet, so nothing is recommended. Train one with `{train}`")
    command = console.call("import", "interactions", "events.csv", *reach)
    raise NotFound(
        f"there are no interactions yet, so nothing is recommended. Import some with `{command}`, then run `{train}`"
    )
