"""Trains recommenders and exports them to ONNX; runs the same on SageMaker and on a laptop."""
