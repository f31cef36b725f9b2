"""Files, threads, progress and extras: what every wing may use, and knows no anomalies."""
