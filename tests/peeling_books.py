"""What the tests of the peeling machine's workbooks share."""

import pytest

from dccad.datasets.machining.preparation import load_peeling
from dccad.datasets.machining.recordings import read_peeling_workbooks
from dccad.errors import InputError

HEADER = ["Date", "Time", "Order", "Bar", "Torque", "Label"]
JUNK = [["", "hh:mm", "", "", "N m", "0/1"], ["logger 3", "", 17, "", "", ""]]


def read_one(path, label=None):
    [recording] = read_peeling_workbooks([path], label)
    return recording


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        load_peeling(path, **options)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def values(runs):
    return [run.values.ravel().tolist() for run in runs]
