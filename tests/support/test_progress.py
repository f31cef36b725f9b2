"""Progress goes to a terminal and to no pipe; a warning is one line and comes once."""

import warnings

from rich.console import Console

from dccad.errors import DccadWarning, warn
from dccad.support.progress import progress_bar, warnings_in_one_line


def test_a_terminal_shows_title_steps_and_note(capsys, monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    with progress_bar("training", 4) as advance:
        advance(3, "epoch 3")
    shown = capsys.readouterr()
    assert shown.out == ""
    for word in ("training", "3/4", "epoch 3"):
        assert word in shown.err


def test_a_total_can_change_while_the_work_goes_on(capsys, monkeypatch):
    monkeypatch.setattr(Console, "is_terminal", True)
    with progress_bar("scoring", 1) as advance:
        advance(2, "pieces", 7)
    assert "2/7" in capsys.readouterr().err


def test_a_pipe_and_a_quiet_caller_see_nothing(capsys):
    for enabled in (True, False):
        with progress_bar("training", 4, enabled) as advance:
            advance(3, "epoch 3", 5)
    assert capsys.readouterr() == ("", "")


def test_a_warning_is_one_line_and_comes_once_and_those_of_others_not_at_all(capsys):
    before = warnings.showwarning
    with warnings_in_one_line():
        for text in ("a sensor is stuck", "a sensor is stuck", "few windows"):
            warn(text, DccadWarning)
        warnings.warn("old call", DeprecationWarning, stacklevel=1)
    assert capsys.readouterr().err == (
        "dccad: warning: a sensor is stuck\ndccad: warning: few windows\n"
    )
    assert warnings.showwarning is before
