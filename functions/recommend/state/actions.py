"""The actions, from one polled S3 object, and the users' histories with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from alsolike.catalogue.actions import Action, ActionStore
from alsolike.profiles.store import ProfileStore
from alsolike.runtime.polling import PolledValue, Polling
from alsolike.runtime.struct import struct


class ActionReader(PolledValue[Sequence[Action]]):
    """All actions, read with the first request for actions; none if they were never read."""

    def __init__(self, client: Any, bucket: str, *, polling: Polling) -> None:
        self._store = ActionStore(client, bucket)
        super().__init__(self._read_actions, name="actions", polling=polling, default=())

    def _read_actions(self, _: Callable[[], float]) -> Sequence[Action]:
        return self._store.all()


@struct
class ActionSources:
    """The actions, and the store of users' events with them."""

    actions: PolledValue[Sequence[Action]]
    profiles: ProfileStore
