"""Files, threads, progress and extras: tools that every wing may use and that know no anomalies."""
