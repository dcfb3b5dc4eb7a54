"""Planning, configuration and results of experiments."""
