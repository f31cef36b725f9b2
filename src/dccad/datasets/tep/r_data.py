"""Read the data frame of an RData file column by column, while the file is decompressed.

The package ``rdata`` parses the format. Its public functions first read the whole file, then
build the whole table; here its parser is given a stream, and each column is handed over and let go
before the next one is read, so that a file of any size needs memory for one column.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dccad.errors import InputError
from dccad.support.extras import require

_OPENERS: dict[bytes, Any] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ\x00": lzma.open,
}


def parse_data_frame(path: Path, take: Callable[[Any, bool], None]) -> tuple[str, ...]:
    """Hand over the columns of an RData file that holds one data frame.

    Raises
    ------
    InputError
        The file is empty, damaged, no RData file, or does not hold one data frame.
    MissingExtraError
        The package ``rdata`` is not installed.


    Examples
    --------
    >>> import rdata
    >>> path = Path(str(rdata.TESTDATA_PATH)) / "test_dataframe.rda"
    >>> parse_data_frame(path, lambda column, is_number: print(column, is_number))
    [1 2 2] False
    [1 2 3] True
    ('class', 'value')
    """
    require("rdata", extra="rdata")
    try:
        with path.open("rb") as raw:
            start = raw.read(6)
        opener = next((found for magic, found in _OPENERS.items() if start.startswith(magic)), open)
        with opener(path, "rb") as stream:
            head = stream.read(7)
            if head not in (b"RDX2\nX\n", b"RDX3\nX\n"):
                raise InputError(_describe_head(path, head))
            with warnings.catch_warnings():
                # rdata warns where it meets what no intact data frame holds; the checks refuse it
                warnings.simplefilter("ignore")
                return _parse(path, stream, take)
    except InputError:
        raise
    except MemoryError as error:  # a damaged length may ask for any amount
        raise InputError(
            f"{path}: not enough memory; select fewer runs, or, if the file may be damaged, copy "
            "or download it again"
        ) from error
    except Exception as error:  # in a damaged file the parser may stumble over anything
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: damaged or incomplete R data ({reason}); copy or download it again"
        ) from error


def _describe_head(path: Path, head: bytes) -> str:
    if not head:
        return f"{path}: the file is empty; copy or download it again"
    if head[:3] in (b"RDX", b"RDA", b"RDB"):
        return (
            f"{path}: R data in a form that is not read (it begins with {head!r}); save the data "
            "frame again with R's save(), without ascii=TRUE"
        )
    return f"{path}: not an RData file (it begins with {head!r}); copy or download it again"


def _parse(path: Path, stream: Any, take: Callable[[Any, bool], None]) -> tuple[str, ...]:
    from rdata.conversion import SimpleConverter
    from rdata.parser import DEFAULT_ALTREP_MAP, RObjectType
    from rdata.parser._xdr import ParserXDR

    class ColumnParser(ParserXDR):
        depth = 0

        def parse_R_object(self, *args: Any, **options: Any) -> Any:  # noqa: N802  # rdata's name
            self.depth += 1
            parsed = super().parse_R_object(*args, **options)
            self.depth -= 1
            kind = parsed.info.type
            # depth 0: the list of all objects; 1: the first object; 2: its columns, its
            # attributes (a LIST) and the name it was saved under (a CHAR)
            if self.depth == 2 and kind not in (RObjectType.LIST, RObjectType.CHAR):
                plain = kind in (RObjectType.INT, RObjectType.REAL) and not parsed.info.object
                take(parsed.value, plain)
                parsed.value = None
            return parsed

    parser = ColumnParser(
        memoryview(b""), expand_altrep=True, altrep_constructor_dict=DEFAULT_ALTREP_MAP
    )
    parser.file = stream
    objects: Any = parser.parse_all().object
    parser.check_complete()  # nothing behind the data, and its checksum (gzip, xz) is right
    attributes: Any = {}
    if objects.info.type is RObjectType.LIST:
        first, rest = objects.value
        single = rest.info.type is RObjectType.NILVALUE
        if single and first.info.type is RObjectType.VEC and first.attributes is not None:
            attributes = SimpleConverter(default_encoding="utf-8").convert(first.attributes)
    if "names" not in attributes:
        raise InputError(
            f"{path}: the file does not hold one data frame; save one data frame and nothing else"
        )
    return tuple(str(name) for name in attributes["names"])
