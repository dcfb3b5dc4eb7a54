"""Severity of alarms, for Prometheus rules and the console."""


def severity(runbook: str | None) -> str:
    """Return `critical` for alarms on current errors of the shop, else `warning`."""
    return "critical" if runbook == "errors" else "warning"
