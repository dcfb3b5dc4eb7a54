"""Processes, checkpoints and measured resources of a training."""
