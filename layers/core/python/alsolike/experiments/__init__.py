"""Reports of experiments: metrics, comparison, always-valid tests."""
