"""Algorithm 1: pre-train, find centres, split the kernels, optimise jointly, update."""
