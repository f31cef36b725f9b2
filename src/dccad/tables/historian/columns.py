"""Recognise the long export of a plant historian by its columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dccad.errors import InputError, ParameterError
from dccad.logs.wording import quote_names
from dccad.tables.options import TableOptions
from dccad.tables.time.stamps import is_time_name

if TYPE_CHECKING:
    import polars as pl

ALIASES = {
    "tag": (
        *(
            "tag",
            "tagname",
            "tagid",
            "sensor",
            "sensorname",
            "sensorid",
            "variable",
            "variablename",
        ),
        *("point", "pointname", "pointid", "signal", "signalname", "channel", "channelname"),
        *("messstelle", "kanal", "name"),
    ),
    "value": ("value", "val", "reading", "measurement", "wert", "messwert"),
    "quality": (
        *("quality", "opcquality", "qualitycode", "status", "statuscode", "q", "confidence"),
        *("qualität", "qualitaet"),
    ),
    "unit": ("unit", "units", "uom", "engunit", "engunits", "engineeringunits", "einheit"),
}
"""Names of a long table's columns, in lower case without blanks, dashes and underscores."""

OTHERS = frozenset(
    (
        *("id", "rowid", "index", "description", "desc", "descriptor", "comment", "remark"),
        *("annotation", "annotated", "questionable", "substituted", "flags", "source", "server"),
        *("datatype", "type", "area", "site", "plant", "unitid", "beschreibung", "kommentar"),
    )
)
"""Names of columns that a long table may have besides, and that are not read."""


@dataclass(frozen=True)
class LongColumns:
    """The columns of a long table by what they hold."""

    time: str
    tag: str
    value: str
    quality: str | None = None
    unit: str | None = None
    ignored: tuple[str, ...] = ()


def find_long(
    schema: Mapping[str, pl.DataType], options: TableOptions, source: str = "table"
) -> LongColumns | None:
    """Decide whether a table is long, and which column holds what.

    It is long if the user says so (``long``, ``tag``, ``value`` or ``quality``), or if its columns
    are called as historians call them: one of time, one of tags (text), one of values, perhaps
    one of quality, and no others but those that accompany them (units, descriptions ...).

    Parameters
    ----------
    schema : mapping of str to polars.DataType
        Names and types of the table's columns.
    options : TableOptions
    source : str
        How messages begin: the file.

    Returns
    -------
    LongColumns or None
        None: the table is wide.

    Raises
    ------
    InputError
        The table is said to be long, but a column is missing or cannot be told.
    ParameterError
        The table is said not to be long, and columns of a long one are named.

    Examples
    --------
    >>> import polars as pl
    >>> schema = {"TagName": pl.String(), "Timestamp": pl.String(), "Value": pl.Float64()}
    >>> find_long(schema, TableOptions())
    LongColumns(time='Timestamp', tag='TagName', value='Value', quality=None, unit=None, ignored=())
    >>> find_long({**schema, "Pressure": pl.Float64()}, TableOptions()) is None
    True
    """
    import polars as pl

    given = {"tag": options.tag, "value": options.value, "quality": options.quality}
    named = [name for name, column in given.items() if column is not None]
    if options.long is False:
        if named:
            raise ParameterError(
                f"long=False says the table is wide, but {' and '.join(named)} name columns of a "
                "long one; leave out one or the other"
            )
        return None
    asked = options.long is True or bool(named)
    free = [name for name in schema if name not in (options.run, *options.label)]
    found: dict[str, str | None] = {"time": options.time or _find_time(schema, free)}
    for role, names in ALIASES.items():
        rest = [name for name in free if name not in found.values()]
        found[role] = given.get(role) or _first_called(rest, names)
    time, tag, value = found["time"], found["tag"], found["value"]
    if asked:
        _require(schema, found, source)
    if time is None or tag is None or value is None:
        return None
    others = tuple(name for name in free if name not in found.values())
    columns = LongColumns(time, tag, value, found["quality"], found["unit"], others)
    if asked:
        return columns
    known = {*OTHERS, *(name for names in ALIASES.values() for name in names)}
    is_long = (
        time in schema
        and schema[tag] in (pl.String, pl.Categorical, pl.Enum)
        and (schema[value].is_numeric() or schema[value] in (pl.String, pl.Boolean))
        and all(_plain(name) in known for name in others)
    )
    return columns if is_long else None


def _plain(name: str) -> str:
    return re.sub(r"[\s_\-.]+", "", name.strip().lower())


def _first_called(names: Sequence[str], aliases: Sequence[str]) -> str | None:
    for alias in aliases:
        for name in names:
            if _plain(name) == alias:
                return name
    return None


def _find_time(schema: Mapping[str, pl.DataType], free: Sequence[str]) -> str | None:
    called = [name for name in free if is_time_name(name)]
    dated = [name for name in free if schema[name].is_temporal()]
    if len(called) != 1:
        called = dated if len(dated) == 1 else called
    return called[0] if called else _first_called(free, ("date", "datum"))


def _require(
    schema: Mapping[str, pl.DataType], found: Mapping[str, str | None], source: str
) -> None:
    columns = quote_names(list(schema), most=8)
    for role, name in found.items():
        if name is not None and name not in schema:
            raise InputError(f"{source}: no column {name!r} for --{role}; it has {columns}")
    missing = [role for role in ("time", "tag", "value") if found[role] is None]
    if missing:
        raise InputError(
            f"{source}: a long table needs a column of {' and one of '.join(missing)}, and its "
            f"names do not tell which: {columns}; name it with --{' and --'.join(missing)}"
        )
