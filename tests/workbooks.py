"""Workbooks of the formats that no library here writes, from their specifications; and damage.

OpenDocument 1.3 part 3; [MS-XLS] (Excel 97), in the container of [MS-CFB]; [MS-XLSB].
"""

import datetime as dt
import struct
import zipfile


class Formula:
    """A cell with a formula and the value that is stored with it."""

    def __init__(self, text, value):
        self.text, self.value = text, value


ODS_CELL = {
    float: '<table:table-cell office:value-type="float" office:value="{0}"/>',
    str: '<table:table-cell office:value-type="string"><text:p>{0}</text:p></table:table-cell>',
    dt.datetime: '<table:table-cell office:value-type="date" office:date-value="{0}"/>',
    bool: '<table:table-cell office:value-type="boolean" office:boolean-value="{0}"/>',
    type(None): "<table:table-cell/>",
}


def write_ods(path, rows, sheet="Log", manifest=""):
    def cell(value):
        shown = str(value).lower() if isinstance(value, bool) else value
        shown = value.isoformat() if isinstance(value, dt.datetime) else shown
        return ODS_CELL[type(value)].format(shown)

    # LibreOffice ends a sheet so
    blank = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell '
    blank += 'table:number-columns-repeated="16384"/></table:table-row>'
    lines = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    names = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "content.xml",
            f'<?xml version="1.0"?><office:document-content{names}><office:body>'
            f'<office:spreadsheet><table:table table:name="{sheet}">{lines}{blank}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><manifest:manifest '
            'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            '<manifest:file-entry manifest:full-path="content.xml" '
            f'manifest:media-type="text/xml">{manifest}</manifest:file-entry></manifest:manifest>',
        )
    return path


def record(kind, *fields):
    """One BIFF8 record; fields are (format, value, ...) or bytes."""
    body = b"".join(f if isinstance(f, bytes) else struct.pack("<" + f[0], *f[1:]) for f in fields)
    return struct.pack("<HH", kind, len(body)) + body


def write_xls(path, rows):
    """Excel 97 workbook with one sheet."""
    texts = [cell for row in rows for cell in row if isinstance(cell, str)]

    def cells():
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                if isinstance(cell, str):
                    yield record(0xFD, ("HHHI", i, j, 0, texts.index(cell)))
                elif isinstance(cell, bool):
                    yield record(0x205, ("HHHBB", i, j, 0, cell, 0))
                elif isinstance(cell, dt.datetime):
                    days = (cell - dt.datetime(1899, 12, 30)) / dt.timedelta(days=1)
                    yield record(0x203, ("HHHd", i, j, 1, days))
                elif isinstance(cell, Formula):  # a stored error: 7 is #DIV/0!
                    yield record(0x205, ("HHHBB", i, j, 0, 7, 1))
                elif cell is not None:
                    yield record(0x203, ("HHHd", i, j, 0, cell))

    start = ("HHHHII", 0x600, 5, 0xDBB, 0x7CC, 0, 0)
    begin = record(0x809, start) + record(0x42, ("H", 1200)) + record(0x22, ("H", 0))
    begin += record(0xE0, ("HH16x", 0, 0)) + record(0xE0, ("HH16x", 0, 22))
    shared = record(
        0xFC,
        ("II", len(texts), len(texts)),
        *(struct.pack("<HB", len(text), 0) + text.encode("latin-1") for text in texts),
    )
    end = record(0x0A)
    bound = len(record(0x85, ("IBB", 0, 0, 0), b"\x03\x00Log"))
    offset = len(begin) + bound + len(shared) + len(end)
    stream = begin + record(0x85, ("IBB", offset, 0, 0), b"\x03\x00Log") + shared + end
    stream += record(0x809, ("HHHHII", 0x600, 0x10, 0xDBB, 0x7CC, 0, 0))
    stream += record(0x200, ("IIHHH", 0, len(rows), 0, max(map(len, rows)), 0))
    stream += b"".join(cells()) + end
    path.write_bytes(compound_file({"Workbook": stream}))
    return path


def compound_file(streams):
    """OLE container, as .xls, .doc and encrypted .xlsx are; version 3, one FAT sector."""
    free, end, fat_sector = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
    entries = [("Root Entry", 5, end, 0)]
    fat, data = [fat_sector, end], b""
    for name, stream in streams.items():
        stream = stream.ljust(4096, b"\0")  # shorter ones would need a second table
        stream = stream.ljust(-(-len(stream) // 512) * 512, b"\0")
        first, count = len(fat), len(stream) // 512
        fat += [*range(first + 1, first + count), end]
        entries.append((name, 2, first, len(stream)))
        data += stream

    def entry(i, name, kind, first, size):
        encoded = name.encode("utf-16-le") + b"\0\0"
        after = i + 1 if 0 < i < len(entries) - 1 else free
        links = struct.pack("<III", free, after, 1 if i == 0 else free)
        return (
            encoded.ljust(64, b"\0") + struct.pack("<HBB", len(encoded), kind, 1) + links
            + bytes(36) + struct.pack("<IQ", first, size)
        )  # fmt: skip

    folder = b"".join(entry(i, *fields) for i, fields in enumerate(entries)).ljust(512, b"\0")
    assert len(folder) == 512
    assert len(fat) <= 128
    header = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(16)
    header += struct.pack(
        "<HHHHH6xIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 1, 1, 0, 4096, end, 0, end, 0
    )
    header += struct.pack("<109I", 0, *[free] * 108)
    return header + struct.pack(f"<{len(fat)}I", *fat).ljust(512, b"\xff") + folder + data


def write_xlsb(path, rows):
    """Binary workbook with one sheet."""

    def varied(number):  # seven bits a byte
        low, high = number & 0x7F, number >> 7
        return bytes([low | 0x80, *varied(high)]) if high else bytes([low])

    def brt(kind, body=b""):
        number = bytes([kind]) if kind < 128 else bytes([kind & 0x7F | 0x80, kind >> 7])
        return number + varied(len(body)) + body

    def wide(text):
        return struct.pack("<I", len(text)) + text.encode("utf-16-le")

    def cell(j, value):
        if isinstance(value, str):
            return brt(6, struct.pack("<II", j, 0) + wide(value))
        if isinstance(value, bool):
            return brt(4, struct.pack("<IIB", j, 0, value))
        return b"" if value is None else brt(5, struct.pack("<IId", j, 0, value))

    sheet = (
        brt(129) + brt(148, struct.pack("<IIII", 0, len(rows) - 1, 0, len(rows[0]) - 1)) + brt(145)
    )
    for i, row in enumerate(rows):
        sheet += brt(0, struct.pack("<I", i) + bytes(13))
        sheet += b"".join(cell(j, value) for j, value in enumerate(row))
    relations = "http://schemas.openxmlformats.org/{}/relationships"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "xl/workbook.bin",
            brt(131) + brt(143) + brt(156, struct.pack("<II", 0, 1) + wide("rId1") + wide("Log"))
            + brt(144) + brt(132),
        )  # fmt: skip
        archive.writestr(
            "xl/_rels/workbook.bin.rels",
            f'<Relationships xmlns="{relations.format("package/2006")}"><Relationship Id="rId1" '
            f'Type="{relations.format("officeDocument/2006")}/worksheet" '
            'Target="worksheets/sheet1.bin"/></Relationships>',
        )
        archive.writestr("xl/worksheets/sheet1.bin", sheet + brt(146) + brt(130))
    return path


def damaged(content, rng):
    if rng.random() < 0.5:
        return content[: rng.randrange(len(content))]
    changed = bytearray(content)
    for _ in range(rng.choice([1, 3, 20])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)
