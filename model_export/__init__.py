"""Training of recommenders and their export to ONNX, the same on SageMaker and on a laptop."""
