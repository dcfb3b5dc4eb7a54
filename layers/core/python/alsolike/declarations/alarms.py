"""Severity of alarms, which rules of Prometheus and the console show."""


def severity(runbook: str | None) -> str:
    """Return `critical` for alarms about what shoppers see at this moment; the others warn of what they will see."""
    return "critical" if runbook == "errors" else "warning"
