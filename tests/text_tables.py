"""Open tables of text, and the messages of those that are refused."""

import pytest

from dccad.errors import InputError
from dccad.tables.options import TableOptions
from dccad.tables.text.reader import open_csv


def rows_of(path, **options):
    table = open_csv(path, TableOptions(**options))
    frame = table.frame.collect()
    return frame.columns, frame.rows()


def refusal(path, error=InputError, **options):
    with pytest.raises(error) as caught:
        open_csv(path, TableOptions(**options))
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(str(path), "FILE")


def notes_of(path, **options):
    return open_csv(path, TableOptions(**options)).notes
