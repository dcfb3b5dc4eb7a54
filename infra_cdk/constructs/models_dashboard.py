"""Dashboard of models: trainings, the gate, offline and online metrics of versions, and drift."""

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from alsolike.declarations.metrics import Metric
from infra_cdk.constructs.dashboard_widgets import DAY, RATES, THIRD, board, graph
from infra_cdk.constructs.metrics import HOUR, OwnMetrics
from infra_cdk.settings import Settings

_OFFLINE = (
    (Metric.OFFLINE_NDCG, "NDCG on the hold-out, by version"),
    (Metric.OFFLINE_COVERAGE_PERCENT, "Coverage on the hold-out, percent, by version"),
    (Metric.OFFLINE_POPULARITY_RATIO, "Popularity bias on the hold-out, by version"),
)


def models_dashboard(scope: Construct, *, settings: Settings, training: sfn.IStateMachine) -> cloudwatch.Dashboard:
    made, own = board(scope, "Models", settings=settings, start="-P30D"), OwnMetrics(settings)
    made.add_widgets(
        graph(
            "Runs of the workflow",
            [
                training.metric_succeeded(period=DAY, label="ended"),
                training.metric_failed(period=DAY, label="failed"),
                training.metric_timed_out(period=DAY, label="timed out"),
            ],
            width=THIRD,
        ),
        graph(
            "Versions",
            [
                own.counted(Metric.MODELS_PROMOTED, service="run_canary", label="promoted", period=DAY),
                own.counted(Metric.MODELS_REJECTED, service="register_model", label="rejected by the gate", period=DAY),
                own.counted(
                    Metric.CANARIES_ROLLED_BACK, service="run_canary", label="canaries rolled back", period=DAY
                ),
            ],
            width=THIRD,
        ),
        graph(
            "Trainings",
            [
                own.counted(
                    Metric.TRAININGS_STARTED, service="monitor_models", label="started by data or drift", period=DAY
                ),
                own.counted(Metric.TRAININGS_ADMITTED, service="start_training", label="had their turn", period=DAY),
                own.counted(
                    Metric.DATASETS_BUILT, service="build_dataset", label="datasets built by Lambda", period=DAY
                ),
            ],
            width=THIRD,
        ),
    )
    made.add_widgets(
        graph(
            "NDCG of the same users since the champion",
            [
                own.reported(Metric.GATE_NDCG, period=DAY, label=role, service="register_model", role=role)
                for role in ("candidate", "champion")
            ],
        ),
        graph("Gate: conditions that failed", [own.search(Metric.GATE_CONDITION_FAILED, "condition", "Sum")]),
    )
    made.add_widgets(*(graph(title, [own.search(metric, "model_version")], width=THIRD) for metric, title in _OFFLINE))
    made.add_widgets(
        *(
            graph(f"{title}, by version", [own.search_rate(metric, "model_version")], width=THIRD)
            for metric, title in RATES[:3]
        )
    )
    made.add_widgets(
        graph(
            "Drift: population stability index",
            [own.search(Metric.DRIFT_PSI, "figure")],
            width=THIRD,
            line=(settings.drift_psi_percent / 100, "counts as drift"),
        ),
        graph(
            "Age of the champion's last event, hours",
            [own.reported(Metric.CHAMPION_AGE_HOURS, period=HOUR, label="hours", service="monitor_models")],
            width=THIRD,
            line=(24 * settings.champion_stale_days, "is stale"),
        ),
        graph(
            "Share of events with items and users that the champion does not know",
            [
                own.reported(
                    Metric.UNKNOWN_ITEM_SHARE, period=DAY, label="events with new items", service="monitor_models"
                ),
                own.reported(
                    Metric.UNKNOWN_USER_SHARE, period=DAY, label="events of new users", service="monitor_models"
                ),
            ],
            width=THIRD,
        ),
    )
    return made
