"""CloudWatch alarms: evaluated on the metrics of what runs here, with their actions."""
