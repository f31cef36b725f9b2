"""One fit, from a log to a fitted model."""
