"""The stacks: data (stateful), training and serving."""
