"""Canary: a model version that serves a share of the users before its promotion.

A canary is an experiment with two arms, stored in the champion pointer instead of the configuration. Therefore
`Experiment.arm_of` assigns users by a hash, and recommendation IDs, the recommendation log and outcomes need no special
code for canaries.
"""

from __future__ import annotations

from collections.abc import Iterable

from alsolike.configuration import experiments
from alsolike.configuration.experiments import Arm, Assignment, Experiment
from alsolike.configuration.recommendation_id import MAX_ARMS, RECOMMENDER_CODES
from alsolike.runtime.names import MODEL_VERSION, MODEL_VERSION_FORM
from alsolike.runtime.struct import struct

LAYER = "canary"
CHAMPION_ARM, CANDIDATE_ARM = "champion", "candidate"

GRACE_MS = 3_600_000
"""Time between the planned end of a canary and the end of its experiment, in milliseconds. The end of the experiment
stops a canary whose workflow run has failed.
"""

MAX_VERSION_BYTES = 57
"""Maximum size of the version's name in bytes. The prefix `canary-` and the name form the key of a hash, which has at
most 64 bytes."""

ON = tuple(name for name in RECOMMENDER_CODES if name != "recently-viewed")
"""Recommenders with responses that can depend on the model version."""


@struct
class Canary:
    """Model version that a share of the users receives, for a comparison with the champion.

    Attributes
    ----------
    share
        Share of users, between 0 and 1 (exclusive).
    started_ms, ends_ms
        Start of the canary, and time from which the next evaluation promotes the version, unless a test, the forecast
        or a silent log prevents it, in epoch milliseconds.
    planned_answers
        Planned number of responses in both arms, for `alsolike.experiments.sequential_tests`.
    expected_answers
        Approximate number of responses in both arms during a period of the same length before the start; None in
        pointers of earlier versions of Alsolike.
    extended
        True if the canary was extended, because the log had few of the expected responses.
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
        """Experiment that assigns users to the canary. Its end stops an unsupervised canary."""
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
        experiment = self.experiment
        return experiment.label(experiment.arms[0]), experiment.label(experiment.arms[1])


def assign(
    running: Iterable[Experiment], canary: Canary | None, *, recommender: str, unit: str | None, now_ms: int
) -> Assignment:
    """Return the arms of a request: first the arms of experiments, then the arm of the canary.

    Requests in an experiment that compares models are not assigned to the canary, because the experiment selects their
    model. Requests that already have the maximum number of arms of a recommendation ID are not assigned either.
    """
    running = tuple(running)
    assignment = experiments.assign(running, recommender=recommender, unit=unit, now_ms=now_ms)
    if canary is None or len(assignment.arms) >= MAX_ARMS:
        return assignment
    relevant = (other for other in running if recommender in other.on and other.runs(now_ms))
    if any(arm.model is not None for other in relevant for arm in other.arms):
        return assignment
    return experiments.assign((*running, canary.experiment), recommender=recommender, unit=unit, now_ms=now_ms)
