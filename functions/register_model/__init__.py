"""A training job's output, checked, as a model version, and as champion where it is good enough."""
