"""Fitted models as folders of safetensors and JSON."""
