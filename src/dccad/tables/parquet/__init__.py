"""Parquet of any size, read when asked for."""
