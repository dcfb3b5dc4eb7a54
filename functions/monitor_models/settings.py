import dataclasses

from alsolike.training.monitoring import DriftThresholds


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """Stores of monitoring, and the thresholds of drift.

    `drift_retrains` is 1 to start trainings after drift, otherwise 0. `retrain_interactions` new interactions start a
    training; 0 to disable this.
    """

    lake_bucket: str
    artefact_bucket: str
    profiles_table: str
    state_machine_arn: str
    drift_psi_percent: int
    drift_hours: int
    drift_retrains: int
    retrain_interactions: int
    silent_hours: int
    stale_days: int

    @property
    def rules(self) -> DriftThresholds:
        return DriftThresholds(
            psi=self.drift_psi_percent / 100,
            hours=self.drift_hours,
            retrains=bool(self.drift_retrains),
            new_interactions=self.retrain_interactions or None,
            silent_hours=self.silent_hours,
            stale_days=self.stale_days,
        )
