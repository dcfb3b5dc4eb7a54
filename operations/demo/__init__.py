"""Data of the demo, its loop on a deployment, and the comparison with a reference model."""
