"""ONNX graphs with the one interface that serving knows."""
