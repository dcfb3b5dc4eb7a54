"""Repair of the S3 object that contains all actions, from earlier versions of the object."""

from __future__ import annotations

from alsolike.catalogue.actions import Action, ActionStore, parse_actions
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations.object_versions import read_version, stored_versions
from operations.progress import counted


def repair_actions(client: S3Client, bucket: str) -> list[str]:
    """Restore each unreadable action from the latest object version in which it is readable.

    If the whole object is unreadable, its latest readable version replaces it. Actions that are unreadable in all
    versions are removed. Return a list with a sentence about the repair, empty if the object is intact or deleted.
    """
    versions = list(stored_versions(client, bucket, ACTIONS_KEY))
    if not versions or not versions[0].is_latest:
        return []
    actions: dict[str, Action] | None = None
    lost: set[str] = set()
    restored: list[str] = []
    for version in versions:
        body = read_version(client, bucket, version)
        try:
            stored = parse_actions(body)
        except Unavailable:
            continue
        if actions is None:
            actions, lost = {action.action_id: action for action in stored.actions}, set(stored.unreadable)
            if version.is_latest and not lost:
                return []
        for action in stored.actions:
            if action.action_id in lost:
                actions[action.action_id] = action
                lost.remove(action.action_id)
                restored.append(action.action_id)
        if not lost:
            break
    if actions is None:
        raise InvalidInput(
            f"no version of s3://{bucket}/{ACTIONS_KEY} is readable. Delete the object, then import the actions again"
        )
    ActionStore(client, bucket).replace(actions.values())
    done = f"{ACTIONS_KEY} is restored: {counted(len(actions), 'action')}"
    if restored:
        done += f", earlier columns of {', '.join(sorted(restored))}"
    if lost:
        done += f", without {', '.join(sorted(lost))}, unreadable in all versions"
    return [done]
