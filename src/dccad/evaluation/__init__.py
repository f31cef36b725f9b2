"""Metrics, protocols and baselines; they know the detector, it knows none of them."""
