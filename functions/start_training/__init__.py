"""First step of the workflow, which decides if a run may start."""
