"""A canary: a version that answers a share of users next to the champion before it may answer all of them.

It is an experiment with two arms, stored in the champion pointer instead of the configuration. So assignment,
recommendation ids, the recommendation log and outcomes need no code of their own for it.
"""

from __future__ import annotations

from collections.abc import Iterable

from alsolike.domain import experiments
from alsolike.domain.experiments import Arm, Assignment, Experiment
from alsolike.domain.recommendation_id import MAX_ARMS, RECOMMENDER_CODES
from alsolike.runtime.names import MODEL_VERSION, MODEL_VERSION_FORM
from alsolike.runtime.struct import struct

LAYER = "canary"
CHAMPION_ARM, CANDIDATE_ARM = "champion", "candidate"

GRACE_MS = 3_600_000
"""Time after its end from which a canary that is still in the pointer answers no users."""

MAX_VERSION_BYTES = 57
"""Maximum length of the version's name: with the prefix `canary-` it keys a hash, whose key has at most 64 bytes."""

ON = tuple(name for name in RECOMMENDER_CODES if name != "recently-viewed")
"""The recommenders that use a model."""


@struct
class Canary:
    """A version on trial.

    Attributes
    ----------
    version, champion
        The version on trial, and the champion that it is compared with.
    share
        Share of users, above 0 and below 1.
    started_ms, ends_ms
        Time of its first answers, and time of its promotion if no test fails.
    planned_answers
        Expected answers of both arms until then; see `alsolike.experiments.comparison`.
    run_id
        The workflow's run that supervises it.
    expected_answers
        Number of comparable answers in the preceding time; None in pointers of earlier versions.
    extended
        True if its duration was extended once, because the log was silent.

    Raises
    ------
    ValueError
        If the version's name is invalid or too long, the share leaves one arm without users, or a value has another
        type: a person may have edited the pointer.
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
        """The experiment that selects its users; it ends by itself if no run supervises it."""
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
        """The names of the champion's and the candidate's arm in ids, logs and tables."""
        experiment = self.experiment
        return experiment.label(experiment.arms[0]), experiment.label(experiment.arms[1])


def assign(
    running: Iterable[Experiment], canary: Canary | None, *, recommender: str, unit: str | None, now_ms: int
) -> Assignment:
    """Return the arms of a request, the canary's after those of the experiments.

    Users in an experiment of models, in any of its arms, are not in the canary: the experiment selects their model,
    and its control is the champion. Users with the maximum number of arms of an answer's id are not in it either.

    Parameters
    ----------
    recommender, unit
        See `experiments.assign`.
    """
    running = tuple(running)
    assignment = experiments.assign(running, recommender=recommender, unit=unit, now_ms=now_ms)
    if canary is None or len(assignment.arms) >= MAX_ARMS:
        return assignment
    relevant = (other for other in running if recommender in other.on and other.runs(now_ms))
    if any(arm.model is not None for other in relevant for arm in other.arms):
        return assignment
    return experiments.assign((*running, canary.experiment), recommender=recommender, unit=unit, now_ms=now_ms)
