"""The sheet that a name stands for, as a workbook links it."""

import io
import zipfile

import pytest

from dccad.tables.workbooks.parts import UNREADABLE, sheet_part, waits_for_calculation

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
LINKS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
STRICT = "http://purl.oclc.org/ooxml/officeDocument/relationships"


def archive(inner, links=LINKS, target="worksheets/sheet7.xml"):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as new:
        new.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{links}">{inner}</workbook>'
        )
        new.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/>'
            f'<Relationship Id="rId9" Target="{target}"/></Relationships>',
        )
    return zipfile.ZipFile(content)


SHEETS = '<sheets><sheet name="A" r:id="rId1"/><sheet name="Log &amp; B" r:id="rId9"/></sheets>'


@pytest.mark.parametrize("links", [LINKS, STRICT])
@pytest.mark.parametrize(
    ("target", "part"),
    [
        ("worksheets/sheet7.xml", "xl/worksheets/sheet7.xml"),
        ("/xl/worksheets/sheet7.xml", "xl/worksheets/sheet7.xml"),
        ("../other/s.xml", "other/s.xml"),
    ],
)
def test_a_sheet_is_found_by_its_link_and_not_by_its_number(links, target, part):
    assert sheet_part(archive(SHEETS, links, target), "Log & B") == part


def test_a_sheet_that_there_is_not_is_an_error_that_readers_of_remarks_expect():
    with pytest.raises(UNREADABLE):
        sheet_part(archive(SHEETS), "log & b")
    with pytest.raises(UNREADABLE):
        sheet_part(archive('<sheets><sheet name="A" r:id="rId3"/></sheets>'), "A")
    with pytest.raises(UNREADABLE):
        sheet_part(archive('<sheets><sheet name="A"/></sheets>'), "A")


def test_an_archive_that_is_no_workbook_is_such_an_error():
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as new:
        new.writestr("xl/workbook.xml", "<workbook")
    with pytest.raises(UNREADABLE):
        waits_for_calculation(zipfile.ZipFile(content))
    with pytest.raises(UNREADABLE):
        sheet_part(zipfile.ZipFile(content), "A")


@pytest.mark.parametrize(
    ("inner", "waits"),
    [
        ('<calcPr fullCalcOnLoad="1"/>', True),
        ('<calcPr fullCalcOnLoad="true"/>', True),
        ('<calcPr fullCalcOnLoad="0"/>', False),
        ('<calcPr calcId="1"/>', False),
        ("", False),
    ],
)
def test_a_workbook_says_whether_its_values_are_still_to_be_calculated(inner, waits):
    assert waits_for_calculation(archive(SHEETS + inner)) is waits
