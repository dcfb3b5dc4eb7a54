"""Registration of a training job's output: checks, the gate's decision, and a model version."""
