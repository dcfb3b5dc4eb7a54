"""The workflow's first step: it decides if a run may start, and names it."""
