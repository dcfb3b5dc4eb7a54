"""Severity of alarms, for Prometheus rules and the console."""


def severity(runbook: str | None) -> str:
    """Return `critical` for alarms on errors that shoppers see now, else `warning`."""
    return "critical" if runbook == "errors" else "warning"
