"""Reports of experiments with their metrics and tests, and records of forecasts."""
