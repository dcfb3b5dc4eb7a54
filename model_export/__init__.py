"""Training of recommenders and their export to ONNX, on SageMaker and on any other machine."""
