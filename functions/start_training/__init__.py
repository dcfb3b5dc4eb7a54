"""The workflow's first step: whether a run may go, and what it is called."""
