"""SageMaker training jobs: the real entry point in a subprocess under SageMaker's directory contract."""
