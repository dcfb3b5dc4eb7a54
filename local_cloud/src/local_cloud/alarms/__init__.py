"""CloudWatch alarms, which are evaluated on the cloud's metrics, with their actions."""
