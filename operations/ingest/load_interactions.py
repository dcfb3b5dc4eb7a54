"""Import of interaction files into the lake and the live profiles."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
import sys
import tempfile
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from alsolike.events.context import context_of
from alsolike.events.interactions import USER_PREFIX, profile_id
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations import progress
from operations.client.deployment import Deployment
from operations.client.erased_users import ErasedUsers
from operations.client.stored_ids import stored_ids
from operations.configuration.deployed_configuration import store_of
from operations.ingest import interaction_checks
from operations.ingest.arrow import leave_pandas_out
from operations.ingest.event_ids import Hashes
from operations.ingest.inputs import DEFAULTS, Input, Options, open_inputs
from operations.ingest.journal import Journal, name_of
from operations.ingest.lake_rows import LakeRows, LakeWriter
from operations.ingest.profile_files import ProfileFiles
from operations.ingest.summary import FileSummary, ImportSummary

_CHUNKS_AHEAD = 1
"""Maximum number of chunks whose objects are still being written while the next chunk is checked."""

_BYTES_A_PROFILE_FILE = 2 << 20
_BATCH_USERS = 512

_SWITCH_INTERVAL_S = 0.0005
"""Interval in seconds after which Python switches threads. Checks make many short numpy calls that release the
interpreter lock. With Python's default of 5 ms, they would wait that long for a writing thread each time.
"""


def import_interactions(
    names: Sequence[str | Path],
    deployment: Deployment,
    *,
    default_event_type: str,
    now_ms: int,
    options: Options = DEFAULTS,
    actions: bool = False,
) -> ImportSummary:
    """Import valid rows into the lake, and the latest interactions of each user into the live profiles.

    Every header is checked before any row is stored. A repeated import resumes where the earlier one stopped, and
    overwrites objects of unrecorded steps. Interactions with actions are stored in the lake only.
    """
    started = time.monotonic()
    leave_pandas_out()
    inputs = open_inputs(names, deployment, options)
    with InteractionsImport(
        inputs, deployment, default_event_type=default_event_type, now_ms=now_ms, options=options, actions=actions
    ) as run:
        for source in inputs:
            interaction_checks.check_columns(source.file, configuration=run.configuration, actions=actions)
            if default_event_type == "view" and "EVENT_TYPE" not in source.file.schema.names:
                progress.say(
                    f"{source.file.name} has no EVENT_TYPE: its rows are imported as views. Import purchases with "
                    "`--event-type purchase`"
                )
        summaries = tuple(run.take(source) for source in inputs)
        profiles = len(run.users) if options.dry_run else run.seed()
    return ImportSummary(
        summaries, run.objects, len(run.days), profiles, time.monotonic() - started, dry_run=options.dry_run
    )


class InteractionsImport:
    """Context manager that imports several files.

    `days` are the partitions with valid rows. After a dry run, `users` are the hashes of the users in the files.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        deployment: Deployment,
        *,
        default_event_type: str,
        now_ms: int,
        options: Options = DEFAULTS,
        actions: bool = False,
    ) -> None:
        self.configuration = store_of(deployment).current().configuration()
        self.objects = 0
        self.days: set[str] = set()
        self.users: Hashes = np.zeros(0, np.uint64)
        self._cleanup = contextlib.ExitStack()
        directory = self._cleanup.enter_context(tempfile.TemporaryDirectory(prefix="alsolike-import-"))
        # Only the sizes of the inputs determine the number of files. So a repeated import divides the profiles in the
        # same way, and can skip the files in its journal.
        size_bytes = sum(source.file.source.size_bytes for source in inputs)
        self.profile_files = ProfileFiles(Path(directory), files=1 + size_bytes // _BYTES_A_PROFILE_FILE)
        self._deployment = deployment
        self._event_type = self.configuration.canonical_event_type(default_event_type)
        self._now_ms = now_ms
        self._options = options
        self._erased = ErasedUsers(deployment).mask
        self._ids = stored_ids(deployment)
        self._actions = actions
        self._writer = LakeWriter(deployment.client("s3"), deployment.names.lake_bucket)
        self._background = ThreadPoolExecutor(1, "latest")
        self._switch_interval_s = sys.getswitchinterval()
        self._taken: list[tuple[Journal, FileSummary, str]] = []

    def __enter__(self) -> InteractionsImport:
        sys.setswitchinterval(_SWITCH_INTERVAL_S)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setswitchinterval(self._switch_interval_s)
        self._background.shutdown(cancel_futures=True)
        self._writer.__exit__()
        self._cleanup.close()

    def take(self, source: Input) -> FileSummary:
        content_id = source.file.source.content_id()
        columns = source.file.schema.names
        journal = self._journal(content_id, {**self._read_as(), "columns": columns}, now_ms=self._now_ms)
        if not self._options.again and journal.other_options.get("columns", columns) != columns:
            others = ", ".join(journal.other_options["columns"])
            raise InvalidInput(
                f"{source.file.name} was imported before with other columns ({others}). Its rows are in the lake under "
                "other event ids, and would count twice; --again imports it all the same"
            )
        if journal.finished is not None:
            before = _finished_before(source, journal)
            if not self._options.again and before is not None:
                progress.say(f"{source.file.name} was imported before: nothing to do (--again imports it once more)")
                return before
            journal.restart(self._now_ms)
        imported = 0
        with source.importing() as (step, rejected), journal.saving():
            if journal.is_begun:
                progress.say(f"{source.file.name} continues an interrupted import")
            pending: deque[tuple[str, int, list[Future[None]]]] = deque()
            undo = f"the lake has the rows before. Remove them with `alsolike import undo {journal.started_ms}`"
            for chunk in source.chunks(step, plain=interaction_checks.PLAIN, stored=undo):
                checked = interaction_checks.check(
                    chunk.rows,
                    default_event_type=self._event_type,
                    now_ms=journal.started_ms,
                    configuration=self.configuration,
                    erased=self._erased,
                    ids=self._ids,
                    accepts_any_type=self._options.is_personalize,
                    actions=self._actions,
                )
                rejected.add(chunk, checked.bad, checked.reasons)
                futures = self._start(checked.good, journal, content_id, chunk.index)
                pending.append((f"chunk {chunk.index}", len(checked.good), futures))
                while len(pending) > _CHUNKS_AHEAD:
                    imported += _completed(*pending.popleft(), journal)
                    step.note(progress.counted(imported, "row"))
            while pending:
                imported += _completed(*pending.popleft(), journal)
            step.note(progress.counted(imported, "row"))
        summary = source.summary(imported, rejected)
        self._taken.append((journal, summary, content_id))
        return summary

    def seed(self) -> int:
        if not self._taken:
            return 0
        store = ProfileStore(self._deployment.client("dynamodb"), self._deployment.names.profiles_table)
        first_ms = min(journal.started_ms for journal, _, _ in self._taken)
        name = f"profiles-{name_of([content_id for _, _, content_id in self._taken])}"
        journal = self._journal(name, {"profile_files": len(self.profile_files), **self._read_as()}, now_ms=first_ms)
        profiles = 0
        with progress.step("live profiles", total=len(self.profile_files)) as step, journal.saving():
            for number in range(len(self.profile_files)):
                done = journal.counted(f"profiles {number}")
                if done is None:
                    done = self._merge_into_live_profiles(number, store, now_ms=journal.started_ms)
                    journal.record(f"profiles {number}", done, small=True)
                profiles += done
                step.advance()
                step.note(progress.counted(profiles, "user"))
        for file_journal, summary, _ in self._taken:
            file_journal.finish(dataclasses.asdict(summary))
        journal.forget()
        return profiles

    def _merge_into_live_profiles(self, number: int, store: ProfileStore, *, now_ms: int) -> int:
        """Merge the interactions of a profile file into the live profiles, and return the number of profiles."""
        done, rest = 0, self.profile_files.read(number, length=self.configuration.limits.history_length)
        while batch := list(itertools.islice(rest, _BATCH_USERS)):
            users = [profile.profile_id.removeprefix(USER_PREFIX) for profile in batch]
            # Users may be erased during an import, which can take hours.
            is_erased = self._erased(pa.array(users, pa.string()))
            kept = batch if is_erased is None else list(itertools.compress(batch, ~is_erased))
            additions = {profile.profile_id: profile.recent for profile in kept}
            if failed := store.add_histories(additions, now_ms=now_ms):
                raise Unavailable(next(iter(failed.values())))
            done += len(kept)
        return done

    def _start(self, rows: LakeRows, journal: Journal, content_id: str, index: int) -> list[Future[None]]:
        days = rows.dates()
        self.days |= days
        if self._options.dry_run:
            self.objects += len(days)
            hashes = rows.user_hashes[np.unique(rows.texts["user_id"].codes), 0]
            self.users = np.union1d(self.users, hashes)
            return []
        futures = [self._background.submit(self._add_to_profiles, rows)]
        if journal.counted(f"chunk {index}") is None:
            futures += self._writer.start(rows, content_id=content_id, chunk=index)
            self.objects += len(days)
        return futures

    def _add_to_profiles(self, rows: LakeRows) -> None:
        self.profile_files.add(profile_rows(rows, context=self.configuration.context))

    def _journal(self, name: str, options: Mapping[str, Any], *, now_ms: int) -> Journal:
        return Journal(
            self._deployment.client("s3"),
            self._deployment.names.artefact_bucket,
            name,
            options=options,
            now_ms=now_ms,
            read_only=self._options.dry_run,
        )

    def _read_as(self) -> Mapping[str, Any]:
        options = {"event_type": self._event_type, "events": interaction_checks.options_of(self.configuration)}
        options |= self._options.form.differences
        return {**options, "accepts_any_type": True} if self._options.is_personalize else options


def _completed(step: str, rows: int, futures: Sequence[Future[None]], journal: Journal) -> int:
    for future in futures:
        future.result()
    if journal.counted(step) is None:
        journal.record(step, rows)
    return rows


def _finished_before(source: Input, journal: Journal) -> FileSummary | None:
    """Return the summary of the earlier import, or None if its file of rejected rows is missing."""
    summary = FileSummary(**{**(journal.finished or {}), "imported_before_ms": journal.started_ms})
    if summary.rejected and not source.dry_run and not source.rejected_path.exists():
        return None
    return dataclasses.replace(
        summary,
        file=source.file.name,
        imported=0,
        imported_before=summary.imported,
        rejected_file=str(source.rejected_path) if summary.rejected else None,
    )


def profile_rows(rows: LakeRows, *, context: Sequence[str]) -> pa.Table:
    """Return rows for `ProfileFiles.add`. Rows without an item are omitted, because profiles do not contain them."""
    if (missing := rows.texts["item_id"].missing()).any():
        rows = rows.take(~missing)
    texts = rows.texts
    return pa.table(
        {
            "profile_id": texts["user_id"].mapped(lambda user: profile_id(user_id=user, session_id=None)).column(),
            "event_time_ms": pa.array(rows.event_time_ms),
            "event_id": rows.event_ids(),
            "item_id": texts["item_id"].column(),
            "event_type": texts["event_type"].column(),
            "context": texts["properties"].mapped(functools.partial(context_of, columns=context)).column(),
        }
    )
