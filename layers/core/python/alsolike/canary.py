"""A canary: a version that answers a share of users beside the champion before it may answer them all.

It is an experiment of two arms that the champion pointer carries instead of the configuration, so that assignment,
recommendation ids, the served log and outcomes know it already.
"""

from __future__ import annotations

from collections.abc import Iterable

from alsolike import experiments
from alsolike.experiments import Arm, Assignment, Experiment
from alsolike.names import MODEL_VERSION, MODEL_VERSION_FORM
from alsolike.recommendation_id import MAX_ARMS, RECOMMENDER_CODES
from alsolike.values import value_object

LAYER = "canary"
CHAMPION_ARM, CANDIDATE_ARM = "champion", "candidate"

GRACE_MS = 3_600_000
"""So long after its end a canary that nobody took out of the pointer answers nobody any more."""

MAX_VERSION_BYTES = 57
"""Of the version's name: with `canary-` before it, it keys a hash, whose key has 64 bytes at most."""

ON = tuple(name for name in RECOMMENDER_CODES if name != "recently-viewed")
"""The recommenders that look into a model."""


@value_object
class Canary:
    """A version on trial.

    Attributes
    ----------
    version, champion
        Who is tried, and beside whom.
    share
        Of users, above 0 and below 1.
    started_ms, ends_ms
        When it began to answer, and when it has passed if nothing spoke against it.
    planned_answers
        How many answers both together are expected to give until then; see `alsolike.sequential`.
    run_id
        Of the workflow's run that looks after it.
    expected_answers
        What the time before it had of answers that could be on trial; None in pointers of before.
    extended
        Whether it got its time a second time, as its log was silent.

    Raises
    ------
    ValueError
        If no version may be called so, its name is too long, the share leaves one of the two without users, or
        something is of another type: the pointer may have been written by hand.
    """

    version: str
    champion: str
    share: float
    started_ms: int
    ends_ms: int
    planned_answers: int
    run_id: str
    expected_answers: int | None = None
    extended: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.version, str) or not MODEL_VERSION.fullmatch(self.version):
            raise ValueError(f"the version is {self.version!r}, expected {MODEL_VERSION_FORM}")
        for name in ("started_ms", "ends_ms", "planned_answers"):
            if type(value := getattr(self, name)) is not int:
                raise ValueError(f"{name} is {value!r}, expected a whole number")
        if len(self.version.encode()) > MAX_VERSION_BYTES:
            raise ValueError(f"the version {self.version!r} has a name of more than {MAX_VERSION_BYTES} bytes")
        if not 0 < self.share < 1:
            raise ValueError(f"share is {self.share!r}, expected above 0 and below 1")

    @property
    def experiment(self) -> Experiment:
        """What decides who is answered by it; without anybody who looks after it, it ends by itself."""
        return Experiment(
            name=f"canary-{self.version}",
            layer=LAYER,
            start_ms=self.started_ms,
            end_ms=self.ends_ms + GRACE_MS,
            arms=(Arm(CHAMPION_ARM, 1 - self.share), Arm(CANDIDATE_ARM, self.share, model=self.version)),
            on=ON,
            planned_answers=self.planned_answers,
        )

    @property
    def labels(self) -> tuple[str, str]:
        """What the champion's and the candidate's arm are called in ids, logs and tables."""
        found = self.experiment
        return found.label(found.arms[0]), found.label(found.arms[1])


def assign(
    running: Iterable[Experiment], canary: Canary | None, *, recommender: str, unit: str | None, now_ms: int
) -> Assignment:
    """Return the arms of a request, that of the canary after those of the experiments.

    Not in the canary is who is in an experiment of models, in whichever arm: the experiment says what answers there,
    and its control is the champion. Nor is who has as many arms as an answer's id has room for.

    Parameters
    ----------
    recommender, unit
        See `experiments.assign`.
    """
    running = tuple(running)
    assignment = experiments.assign(running, recommender=recommender, unit=unit, now_ms=now_ms)
    if canary is None or len(assignment.arms) >= MAX_ARMS:
        return assignment
    relevant = (each for each in running if recommender in each.on and each.runs(now_ms))
    if any(arm.model is not None for each in relevant for arm in each.arms):
        return assignment
    return experiments.assign((*running, canary.experiment), recommender=recommender, unit=unit, now_ms=now_ms)
