"""Write tables by their lines and read them as runs."""

import pytest

from dccad.errors import InputError
from dccad.tables import read_tables
from dccad.tables.options import TableOptions


def write(name, *lines):
    with open(name, "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return name


def read(inputs, **options):
    """Runs by name, and the summary of the last table."""
    tables = read_tables(inputs, TableOptions(**options))
    return tables.runs, tables.summaries[-1]


def refusal(inputs, **options):
    with pytest.raises(InputError) as caught:
        read(inputs, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def column(run):
    return run.values[:, 0].tolist()
