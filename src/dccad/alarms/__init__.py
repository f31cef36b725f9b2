"""Flags to alarms: rules, expected false alarms, the alarms of a log."""
