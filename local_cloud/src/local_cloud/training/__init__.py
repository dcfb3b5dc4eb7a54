"""SageMaker training jobs: the real entry point in a subprocess with SageMaker's directories."""
