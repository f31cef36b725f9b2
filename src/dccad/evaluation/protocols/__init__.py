"""One module per protocol: its data, tasks, figures and table."""
