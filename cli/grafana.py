"""`alsolike grafana`: dashboards of a shop's own Grafana."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Dashboards for your own Grafana.")


@app.command()
def prometheus() -> None:
    """Print the dashboard for the data source Prometheus.

    Example: alsolike grafana prometheus > alsolike.json
    """
    from cli import console
    from operations.grafana import prometheus_dashboard

    console.print_json(prometheus_dashboard())


@app.command()
def cloudwatch() -> None:
    """Print the dashboard for the data source CloudWatch.

    Example: alsolike grafana cloudwatch > alsolike-cloudwatch.json
    """
    from cli import console
    from operations.grafana import cloudwatch_dashboard

    console.print_json(cloudwatch_dashboard())
