"""Tables of a benchmark within 80 columns."""

from command_line import widest
from dccad.cli.printing.benchmark import print_benchmark


def test_the_widest_benchmark_table_fits_a_terminal(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    groups = ("mean_clustering_maps", "mean_reconstruction_maps", "top_map", "oracle_map")
    names = ["acc", "nmi", "ari", *(f"{group}_acc" for group in groups)]
    figures = {name: {"mean": 0.789, "std": 0.1234} for name in names}
    methods = ("dccad", "dccad-no-split", "autoencoder-kmeans", "kmeans-windows")
    record = {
        "protocol": "tep-pooled",
        "dataset": "tep-simulated",
        "seeds": [0, 1, 2, 3, 4],
        "results": dict.fromkeys(methods, figures),
        "warnings": {"LatentCollapseWarning": 3},
    }
    print_benchmark(record)
    shown = capsys.readouterr().out
    assert widest(shown) <= 80
    assert "…" not in shown
    assert shown.count("78.9±12") == 28
    assert "autoencoder-" in shown
    assert "over seeds 0, 1, 2, 3, 4" in " ".join(shown.split())
    assert "3 fits warned: LatentCollapseWarning" in shown
