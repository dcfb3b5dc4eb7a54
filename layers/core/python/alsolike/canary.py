"""A canary: a version that answers a share of users beside the champion before it may answer them all.

It is an experiment of two arms that the champion pointer carries instead of the configuration, so that assignment,
recommendation ids, the served log and outcomes know it already.
"""

from __future__ import annotations

import dataclasses

from alsolike.experiments import Arm, Experiment
from alsolike.recommendation_id import RECOMMENDER_CODES

LAYER = "canary"
CHAMPION_ARM, CANDIDATE_ARM = "champion", "candidate"


@dataclasses.dataclass(frozen=True, slots=True)
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
    """

    version: str
    champion: str
    share: float
    started_ms: int
    ends_ms: int
    planned_answers: int
    run_id: str

    @property
    def experiment(self) -> Experiment:
        """What decides who is answered by it; it goes on until it is taken out of the pointer."""
        return Experiment(
            name=f"canary-{self.version}",
            layer=LAYER,
            start_ms=self.started_ms,
            end_ms=None,
            arms=(Arm(CHAMPION_ARM, 1 - self.share), Arm(CANDIDATE_ARM, self.share, model=self.version)),
            on=tuple(RECOMMENDER_CODES),
            planned_answers=self.planned_answers,
        )
