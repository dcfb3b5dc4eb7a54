"""The model bundle, the interface between training and serving."""
