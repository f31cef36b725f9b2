"""Tennessee Eastman runs: classic files, simulated and embedded sets, Rieth et al."""
