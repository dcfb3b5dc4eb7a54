"""The demo's data, its loop on a deployment, and the comparison with a reference model."""
