"""Replay of a day's requests in processes with the code of this or another checkout, and comparison of the lists.

Each run adds one requested change (code, configuration, model). A list that differs from the list of the previous run
has this change as a cause. The first run changes nothing, so its lists must equal the lists of the log.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import importlib.util
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import orjson

from alsolike.records.served_response import ServedResponse, state_hash
from alsolike.runtime.errors import InvalidInput, Unavailable
from operations import progress
from operations.day_replay.inputs import DRAFT, DayInputs, read_day

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

WORKER = "functions.recommend.direct.day"
CORE = Path("layers/core/python")

CODE, CONFIGURATION, MODEL = "code", "configuration", "model"
UNEXPLAINED = "unexplained"
"""Cause of a list that already differs from the log in the first run, which has the logged inputs."""

_ERROR_BYTES = 2_000


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Response whose list changes.

    `causes` are in the order of the runs. `replayed` is empty if the request was refused with the error `refusal`.
    """

    recommendation_id: str
    recommender: str
    causes: tuple[str, ...]
    logged: tuple[str, ...]
    replayed: tuple[str, ...]
    refusal: str | None = None

    @property
    def places(self) -> list[int]:
        """Positions with another item, counted from 1."""
        length = max(len(self.logged), len(self.replayed))
        pairs = zip(_padded(self.logged, length), _padded(self.replayed, length), strict=True)
        return [place for place, (then, now) in enumerate(pairs, start=1) if then != now]


@dataclasses.dataclass(frozen=True, slots=True)
class DayReplay:
    """Result of a day's replay.

    `random` is the number of replayed responses with random items or places. Response IDs are the seeds of random
    choices, so a replay repeats the choices. `not_replayable` is the number of responses by reason.
    """

    day: dt.date
    changes: tuple[str, ...]
    responses: int
    replayed: int
    random: int
    differences: tuple[Difference, ...]
    not_replayable: Mapping[str, int]

    @property
    def identical(self) -> int:
        return self.replayed - len(self.differences)

    @property
    def by_cause(self) -> Mapping[str, int]:
        """Number of differing lists by cause. A list with several causes counts for each."""
        return Counter(cause for difference in self.differences for cause in difference.causes)

    def document(self) -> dict[str, Any]:
        return {
            "day": self.day.isoformat(),
            "changes": self.changes,
            "responses": self.responses,
            "replayed": self.replayed,
            "identical": self.identical,
            "random": self.random,
            "by_cause": dict(self.by_cause),
            "not_replayable": dict(self.not_replayable),
            "differences": [{**dataclasses.asdict(each), "places": each.places} for each in self.differences],
        }


def replay_day(
    deployment: Deployment,
    day: dt.date,
    *,
    model: str | None = None,
    draft: Mapping[str, Any] | None = None,
    code: Path | None = None,
    sample: int | None = None,
) -> DayReplay:
    """Answer a day's requests again, and compare the lists with those of the log.

    `model` and `draft` replace the models and configurations of the log. `code` is the folder of another checkout.
    `sample` limits the number of responses; equal calls select the same responses.
    """
    if code is not None and not (code / (WORKER.replace(".", "/") + ".py")).is_file():
        raise InvalidInput(
            f"--code is {str(code)!r}, expected a checkout of Alsolike with {WORKER.replace('.', '/')}.py"
        )
    rows = _sampled(read_day(deployment, day), sample)
    with tempfile.TemporaryDirectory(prefix="alsolike-replay-") as name:
        folder = Path(name)
        inputs = DayInputs(deployment, folder)
        count = inputs.write(rows, model=model, draft=draft)
        runs = list(_runs(model=model, has_draft=draft is not None, code=code))
        lists = [_run(folder, count, cause, root, changes) for cause, root, changes in runs]
    replayed = [row for row in rows if row.recommendation_id in lists[0]]
    causes = [cause for cause, *_ in runs]
    return DayReplay(
        day,
        tuple(causes[1:]),
        len(rows),
        len(replayed),
        sum(any(chance is not None for chance in row.propensities) for row in replayed),
        tuple(found for row in replayed if (found := _difference(row, causes, lists)) is not None),
        Counter(inputs.lacking.values()),
    )


def _sampled(rows: Sequence[ServedResponse], count: int | None) -> Sequence[ServedResponse]:
    if count is None or count >= len(rows):
        return rows
    chosen = set(sorted(state_hash([row.recommendation_id]) for row in rows)[:count])
    return [row for row in rows if state_hash([row.recommendation_id]) in chosen]


def _runs(
    *, model: str | None, has_draft: bool, code: Path | None
) -> Iterator[tuple[str, Path | None, dict[str, str]]]:
    """Yield the cause, the code and the changed inputs of each run. Later runs include the earlier changes."""
    changes: dict[str, str] = {}
    yield UNEXPLAINED, None, {}
    if code is not None:
        yield CODE, code.resolve(), {}
    if has_draft:
        changes["configuration"] = DRAFT
        yield CONFIGURATION, code and code.resolve(), dict(changes)
    if model is not None:
        changes["model"] = model
        yield MODEL, code and code.resolve(), dict(changes)


def _difference(
    row: ServedResponse, causes: Sequence[str], lists: Sequence[Mapping[str, Mapping[str, Any]]]
) -> Difference | None:
    """Return the difference between a row and the last run, with its causes. None if the lists are equal."""
    before: Any = list(row.item_ids)
    changed = []
    for cause, run in zip(causes, lists, strict=True):
        answer = run[row.recommendation_id]
        now = answer.get("items")
        if now != before:
            changed.append(cause)
        before = now
    refusal = answer.get("refused")
    items = tuple(answer.get("items", ()))
    if refusal is None and items == row.item_ids:
        return None
    return Difference(row.recommendation_id, row.recommender, tuple(changed), row.item_ids, items, refusal)


def _run(
    folder: Path, count: int, cause: str, root: Path | None, changes: Mapping[str, str]
) -> Mapping[str, Mapping[str, Any]]:
    """Replay all requests in a process, and return the answer to each request by recommendation ID."""
    description = "with the logged inputs" if cause == UNEXPLAINED else f"with other {cause}"
    with tempfile.TemporaryFile() as errors, progress.step(f"replay {description}", total=count) as step:
        command = [sys.executable, "-P", "-m", WORKER, str(folder), orjson.dumps(changes).decode()]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=_environment(root))
        assert process.stdout is not None
        answers: dict[str, Mapping[str, Any]] = {}
        try:
            for line in process.stdout:
                document = orjson.loads(line)
                if "code" in document:
                    _check_code(document["code"], root)
                    continue
                answers[document["id"]] = document
                step.advance()
            status = process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            process.wait()
            process.stdout.close()
        if status or len(answers) != count:
            raise Unavailable(
                f"the replay {description} ended after {len(answers)} of {count} requests with status {status}: "
                f"{_tail(errors)}"
            )
        return answers


def _environment(root: Path | None) -> dict[str, str]:
    folders = [str(own) for own in (root or own_root(), (root or own_root()) / CORE)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join([*folders, *filter(None, sys.path)])}


def own_root() -> Path:
    """Return the folder that contains the package of the functions."""
    found = importlib.util.find_spec("functions")
    if found is None or not found.submodule_search_locations:
        raise Unavailable("the code of the functions is not installed; run the command from a checkout of Alsolike")
    return Path(next(iter(found.submodule_search_locations))).parent


def _check_code(used: str, root: Path | None) -> None:
    expected = root or own_root()
    if Path(used).resolve() != expected.resolve():
        raise Unavailable(f"the replay used the code in {used}, expected {expected}")


def _tail(errors: IO[bytes]) -> str:
    errors.seek(max(0, errors.seek(0, os.SEEK_END) - _ERROR_BYTES))
    return errors.read().decode(errors="replace").strip() or "no error message"


def _padded(items: Sequence[str], length: int) -> list[str | None]:
    return [*items, *[None] * (length - len(items))]
