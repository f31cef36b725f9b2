"""What the demos print: every row under its heading, what is unknown as a dash."""

from pathlib import Path

from dccad.cli.printing.demo import print_demo, print_machining_demo

MONITOR = {
    "fit_seconds": 2.4,
    "roc_auc": 0.9876,
    "false_alarm_rate": 0.01,
    "realised_false_alarm_rate": 0.0149,
}


def test_the_plant_is_shown_fault_by_fault(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    figures = {"acc": 0.91234, "nmi": 0.5, "ari": 0.25}
    states = [{"name": "normal", "share": 0.75}, {"name": "anomalous 1", "share": 0.25}]
    row = {
        "fault": 4,
        "description": "reactor cooling",
        "partition": {"roc_auc": 0.5, "anomalous_region_after": 0.25},
        "monitor": {"roc_auc": 0.75, "flagged_before": None, "flagged_after": 1.0},
    }
    partition = {"fit_seconds": 11.0, "figures": figures, "states": states, "roc_auc": 0.8}
    metrics = {
        "dataset": "mini",
        "per_fault": [row],
        "partition": partition,
        "monitor": MONITOR,
    }
    print_demo(metrics, Path("there"))
    shown = capsys.readouterr().out
    [line] = [line for line in shown.splitlines() if line.startswith("4 reactor cooling")]
    assert line.split()[3:] == ["0.500", "25%", "0.750", "–", "100%"]
    text = " ".join(shown.split())
    assert "in 11 s; 2 states: normal 75%, anomalous 1 25%." in text
    assert "ACC 0.912, NMI 0.500, ARI 0.250, ROC-AUC 0.800." in text
    assert "asked for 1% false alarms, got 1.5%." in text
    assert text.endswith("are in there.")


def test_the_machine_is_shown_kind_by_kind(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    row = {
        "kind": "chatter",
        "rows": 12,
        "partition": {"roc_auc": 0.6, "anomalous_region": 0.5},
        "monitor": {"roc_auc": 0.7, "flagged": 0.25},
    }
    partition = {"fit_seconds": 3.0, "roc_auc": 0.9}
    metrics = {"per_kind": [row], "partition": partition, "monitor": MONITOR}
    print_machining_demo(metrics, Path("there"))
    shown = capsys.readouterr().out
    [line] = [line for line in shown.splitlines() if line.startswith("chatter")]
    assert line.split() == ["chatter", "12", "0.600", "50%", "0.700", "25%"]
    assert "synthetic" in shown
