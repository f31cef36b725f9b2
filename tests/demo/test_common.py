"""What both demos do around their fits."""

import json

import pytest

from dccad.demo.common import begin, finish
from dccad.errors import MissingExtraError, ModelFileError


class Drawing:
    def savefig(self, path, dpi):
        path.write_text(f"{dpi} dots")


def test_a_demo_begins_only_where_packages_and_place_allow_it(tmp_path):
    with pytest.raises(MissingExtraError, match=r"dccad\[plots\]"):
        begin(tmp_path / "new", no_such_package="plots")
    assert not (tmp_path / "new").exists()
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "monitor").write_text("notes of someone else")
    with pytest.raises(ModelFileError, match="monitor"):
        begin(tmp_path / "taken")
    begin(tmp_path / "a" / "b", json="plots")
    assert (tmp_path / "a" / "b").is_dir()


def test_a_demo_ends_with_its_metrics_and_every_figure_on_disk(tmp_path):
    metrics = finish(tmp_path, {"seed": 3}, {"losses": Drawing, "maps": Drawing})
    assert json.loads((tmp_path / "metrics.json").read_text()) == metrics
    assert metrics["seed"] == 3
    assert {"python", "dccad"} <= set(metrics["versions"])
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["losses.png", "maps.png"]
    assert (tmp_path / "losses.png").read_text() == "150 dots"
