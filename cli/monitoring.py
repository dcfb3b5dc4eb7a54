"""`alsolike metrics`, `alsolike prometheus` and `alsolike grafana`."""

from __future__ import annotations

from typing import Annotated, Any

from typer import Option

from cli import terminal
from cli.group import CommandGroup
from cli.options import Context, Output
from operations import metric_writers
from operations.metric_writers import NAMESPACE, PRICE_AS_OF, USD_A_MONTH, Bounds

MAX_VERSIONS = 10_000

prometheus = CommandGroup(help="Alert rules for your own Prometheus.")
grafana = CommandGroup(help="Dashboards for your own Grafana.")


def metrics(
    output: Output,
    versions: Annotated[
        int, Option(min=1, max=MAX_VERSIONS, help="Model versions that serve on one day: the champion and a canary.")
    ] = 2,
    arms: Annotated[int, Option(min=0, help="Concurrent arms of experiments.")] = 0,
    trainings: Annotated[int, Option(min=0, help="Trainings per month.")] = 30,
) -> None:
    """List the custom metrics with their monthly cost.

    Example: alsolike metrics --arms 2
    """
    bounds = Bounds(versions=versions, arms=arms, trainings=trainings)
    document = metric_writers.document(bounds)
    if output.printed(document):
        return
    terminal.print_table(
        ("metric", "function", "by", "sent", "series", "$ a month"),
        [
            [each["metric"], each["service"], ", ".join(each["dimensions"][1:]), each["sent"], each["series"],
             _usd(each)]
            for each in document["metrics"]
        ],
    )  # fmt: skip
    terminal.print_line(f"namespace {NAMESPACE}")
    terminal.print_line(
        f"{document['series']:,} series; ${document['usd_a_month']:.2f} a month,"
        f" at most ${document['most_usd_a_month']:.2f} if rare metrics are sent every hour"
        f" (${USD_A_MONTH:.2f} a series and month, as of {PRICE_AS_OF})"
    )


@prometheus.command("rules")
def rules(context: Context) -> None:
    """Print the alert rules, generated from the deployment's alarms.

    Example: alsolike prometheus rules --env prod > alsolike.rules.yml
    """
    import yaml

    from operations.prometheus.rules import deployed_rules

    document = deployed_rules(context.deployment)
    context.print(document, yaml.safe_dump(document, sort_keys=False, width=1_000).rstrip())


@grafana.command("prometheus")
def prometheus_dashboard() -> None:
    """Print the dashboard for the data source Prometheus.

    Example: alsolike grafana prometheus > alsolike.json
    """
    from operations import grafana

    terminal.print_json(grafana.prometheus_dashboard())


@grafana.command("cloudwatch")
def cloudwatch_dashboard() -> None:
    """Print the dashboard for the data source CloudWatch.

    Example: alsolike grafana cloudwatch > alsolike-cloudwatch.json
    """
    from operations import grafana

    terminal.print_json(grafana.cloudwatch_dashboard())


def _usd(row: dict[str, Any]) -> str:
    """Return the monthly cost. For a rare metric, return the range up to the maximum cost."""
    if row["usd_a_month"] == row["most_usd_a_month"]:
        return f"{row['usd_a_month']:.3f}"
    return f"0 to {row['most_usd_a_month']:.3f}"
