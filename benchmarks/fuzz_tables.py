"""Fuzz of the table readers: every damaged file ends in a result or in one clear line.

    python benchmarks/fuzz_tables.py --files 10000 --seed 0 --output fuzz.json --keep failures

Writes small tables of every format, damages them (flipped bits, cuts, chunks moved or repeated,
strange signs, broken numbers, halves of two files, damage inside the members of a workbook, wrong
suffixes), and reads each with ``dccad data check FILE --json`` and now and then some options. Good
ends are a result (exit code 0, one JSON document) and a refusal (exit code 2, one line). Anything
else is a failure: another exit code, a traceback, several lines or a line that no terminal shows,
no answer within a minute, the end of the process, or more memory than ``--memory``. The same seed
gives the same files. Exits 1 if there was a failure.
"""

import argparse
import io
import json
import os
import random
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1] / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "datasets")]

import table_writers as tw  # noqa: E402  # beside the tests that share it

LARGEST = 1 << 21
LONGEST_LINE = 1000
HANG_SECONDS = 60
FILES_PER_WORKER = 1000

# Seeds --------------------------------------------------------------------------------------------


def table_and_form(rng, kind):
    table = tw.random_table(rng, max_rows=rng.choice([3, 12, 40]))
    form = replace(tw.random_form(rng), kind=kind)
    if kind in tw.BOOKS:
        rows = [[tw.bookable(v) for v in row] for row in table.rows]
        table = replace(table, rows=tuple(map(tuple, rows)))
    if kind == "xlsb" and tw.style_of(table, form) == "dates":
        table = replace(table, stamps=None)
    return table, form


def written(rng, kind):
    """Bytes of a random table in some kind of file."""
    table, form = table_and_form(rng, kind)
    if kind == "text":
        return tw.text_of(table, form).encode(form.encoding, errors="replace")
    if kind == "sqlite" and form.stamp == "split":
        form = replace(form, stamp="iso")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"log{form.suffix}"
        try:
            return tw.write(path, table, form).read_bytes()
        except Exception as error:
            raise RuntimeError(f"cannot write {table} as {form}") from error


def blank_separated(rng):
    table, form = table_and_form(rng, "text")
    form = replace(form, separator=" ", missing="NaN", stamp="T", titles=(), encoding="utf-8")
    lines = tw.text_of(table, form).splitlines()
    wide = [("  " + line).replace(" ", " " * rng.randint(1, 4)) for line in lines]
    return "\n".join(wide).encode()


def historian(rng):
    """Long export with quality and units, marks of no value, and tags at their own times."""
    separator = rng.choice([",", ";", "\t"])
    decimal = "." if separator == "," else rng.choice(".,")
    columns = ["Timestamp", "Tag", "Value"]
    columns += [name for name in ("Quality", "Units") if rng.random() < 0.5]
    odd = rng.choice([(), (), ("Bad", "No Data", ""), ("on", "nan")])
    lines = [separator.join(columns)]
    for row in range(rng.choice([5, 30, 200])):
        number = f"{rng.uniform(0, 9):.3f}".replace(".", decimal)
        cells = {
            "Timestamp": f"2026-01-13 {row // 60:02}:{row % 60:02}:{rng.choice(['00', '07'])}",
            "Tag": rng.choice(["FI101.PV", "TI2", "TI10"]),
            "Value": rng.choice(odd) if odd and rng.random() < 0.1 else number,
            "Quality": rng.choice(["Good", "Good", "Good", "Bad", "192"]),
            "Units": rng.choice(["bar", "°C"]),
        }
        lines.append(separator.join(cells[name] for name in columns))
    return "\n".join(lines).encode()


def columnar(rng):
    """Parquet as other programs write it: every encoding, compression and type."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = rng.choice([1, 5, 300])
    kinds = [pa.float64(), pa.float32(), pa.int8(), pa.int64(), pa.uint64(), pa.bool_()]
    columns = {"t": pa.array([1_000_000 * i for i in range(n)]).cast(pa.timestamp("us", "UTC"))}
    for i in range(rng.randint(1, 5)):
        values = [rng.choice([None, 0, 1]) for _ in range(n)]
        columns[f"x{i}"] = pa.array(values).cast(rng.choice(kinds))
    if rng.random() < 0.3:
        columns["s"] = pa.array([rng.choice(["1,5", "2", None]) for _ in range(n)], pa.string())
    if rng.random() < 0.2:
        columns["d"] = pa.array(["a"] * n).dictionary_encode()
    if rng.random() < 0.1:
        columns["nested"] = pa.array([[1.0, 2.0]] * n)
    stream = io.BytesIO()
    pq.write_table(
        pa.table(columns),
        stream,
        compression=rng.choice(["none", "none", "snappy", "zstd", "gzip", "lz4", "brotli"]),
        use_dictionary=rng.random() < 0.5,
        data_page_version=rng.choice(["1.0", "2.0"]),
        row_group_size=rng.choice([1, 100, 10_000]),
    )
    return stream.getvalue()


def page(rng):
    """A web page, as some programs save it under the name of a workbook."""
    table, _ = table_and_form(rng, "text")
    rows = "".join("<tr>" + "".join(f"<td>{v}</td>" for v in row) + "</tr>" for row in table.rows)
    head = rng.choice(["", "\ufeff", "<!DOCTYPE html>", '<?xml version="1.0"?>', "  \n<!-- x -->"])
    text = f"{head}<html><body><table>{rows}</table></body></html>"
    return text.encode(rng.choice(["utf-8", "utf-16"]))


def objects(rng):
    table, _ = table_and_form(rng, "text")
    records = [dict(zip(table.names, row, strict=True)) for row in table.rows]
    if rng.random() < 0.5:
        return "\n".join(map(json.dumps, records)).encode()
    return json.dumps(records).encode()


def noise(rng):
    start = rng.choice([b"", b"PK\x03\x04", b"PAR1", b"ARROW1\0\0", b"SQLite format 3\0",
                        b"\xff\xff\xff\xff", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"a,b\n1,2\n",
                        b"\xef\xbb\xbf", b"\xff\xfe", b"\0\0\xfe\xff"])  # fmt: skip
    return start + rng.randbytes(rng.choice([0, 3, 100, 5000]))


SEEDS = {  # how a file of a format begins its life, and its usual suffixes
    "CSV": (lambda rng: written(rng, "text"), (".csv", ".txt")),
    "tab-separated": (
        lambda rng: tw.text_of(
            *(lambda t, f: (t, replace(f, separator="\t")))(*table_and_form(rng, "text"))
        ).encode(),
        (".tsv",),
    ),
    "blank-separated": (blank_separated, (".dat",)),
    "long": (historian, (".csv",)),
    "xlsx": (lambda rng: written(rng, "xlsx"), (".xlsx",)),
    "ods": (lambda rng: written(rng, "ods"), (".ods",)),
    "xls": (lambda rng: written(rng, "xls"), (".xls",)),
    "xlsb": (lambda rng: written(rng, "xlsb"), (".xlsb",)),
    "Parquet": (
        lambda rng: columnar(rng) if rng.random() < 0.7 else written(rng, "parquet"),
        (".parquet",),
    ),
    "Arrow file": (lambda rng: written(rng, "arrow"), (".arrow", ".feather")),
    "Arrow stream": (lambda rng: written(rng, "stream"), (".arrows",)),
    "SQLite": (lambda rng: written(rng, "sqlite"), (".db",)),
    "HTML": (page, (".xls", ".html")),
    "JSON": (objects, (".json", ".csv")),
    "noise": (noise, (".csv", ".xlsx", ".bin")),
}
WEIGHTS = {"CSV": 6, "xlsx": 3, "ods": 3, "Parquet": 4, "long": 2}

# Damage -------------------------------------------------------------------------------------------

SIGNS = [
    *(b"\0", b'"', b"'", b"\n", b"\r", b"\r\n", b",", b";", b"\t", b"|", b" ", b"=", b"\\", b"<"),
    *(b"\x0b", b"\x0c", b"\x1a", b"\x1c", b"\x1e", b"\x7f", b"\x80", b"\xff", b"\xef\xbb\xbf"),
    *("\x85", "\u2028", "\u00a0", "\u202e", "é", "日本", "\U0001f600", "\ud7ff"),
]
SIGNS = [sign if isinstance(sign, bytes) else sign.encode() for sign in SIGNS]
WORDS = [
    *("nan", "inf", "-inf", "1e999", "-1e-999", "0x10", "1_000", "+", "-", ".", "1.2.3", "1,2,3"),
    *("1.234,5", "1,234.5", "1 234", "9" * 400, "00012", "1e", "e5", "\u0661\u0662", "\u221e"),
    *("true", "FALSE", "NA", "#N/A", "#DIV/0!", "null", "None", "Bad", "No Data", "", '""', '"'),
    *("2026-01-13", "2026-02-30", "24:00", "2026-01-13T24:00:00", "31.12.9999", "1/1/0001"),
    *("2026-01-13 10:00:00+25:00", "13:61", "1768576050", "1768576050000", "9999999999999999999"),
    *("=1+1", "sep=;", "time", "Timestamp", "label", "x" * 3000, "\x1b[31mred", "a\u202eb"),
]


def flip_bits(rng, data, other):
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 3, 30])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def set_bytes(rng, data, other):
    changed = bytearray(data)
    for _ in range(rng.choice([1, 4, 40])):
        changed[rng.randrange(len(changed))] = rng.choice([0, 0xFF, 0x7F, 0x80, rng.randrange(256)])
    return bytes(changed)


def cut(rng, data, other):
    place = rng.randrange(len(data))
    return rng.choice([data[:place], data[:place], data[place:]])


def chunk_of(rng, data):
    start = rng.randrange(len(data))
    return start, min(len(data), start + rng.choice([1, 8, 64, 512, len(data)]))


def delete_chunk(rng, data, other):
    start, stop = chunk_of(rng, data)
    return data[:start] + data[stop:]


def repeat_chunk(rng, data, other):
    start, stop = chunk_of(rng, data)
    return data[:stop] + data[start:stop] * rng.choice([1, 3, 50]) + data[stop:]


def move_chunk(rng, data, other):
    start, stop = chunk_of(rng, data)
    rest = data[:start] + data[stop:]
    place = rng.randint(0, len(rest))
    return rest[:place] + data[start:stop] + rest[place:]


def insert_signs(rng, data, other):
    for _ in range(rng.choice([1, 1, 5])):
        place = rng.randint(0, len(data))
        data = data[:place] + rng.choice(SIGNS) * rng.choice([1, 1, 2, 200]) + data[place:]
    return data


def insert_noise(rng, data, other):
    place = rng.randint(0, len(data))
    return data[:place] + rng.randbytes(rng.choice([1, 16, 4096])) + data[place:]


def chosen(rng, found, most):
    """Some matches, from the last to the first."""
    places = rng.sample(range(len(found)), min(len(found), most))
    return [found[i] for i in sorted(places, reverse=True)]


def change_numbers(rng, data, other):
    """Other digits in place of some: sizes, offsets, counts, and cells."""
    found = list(re.finditer(rb"\d+", data))
    for match in chosen(rng, found, rng.choice([1, 1, 2, 10])):
        new = rng.choice(["0", "-1", "65536", "4294967296", "1e9", str(rng.randrange(10**6))])
        data = data[: match.start()] + new.encode() + data[match.end() :]
    return data


def change_cells(rng, data, other):
    """Other words in place of some of what stands between separators."""
    found = list(re.finditer(rb"[^,;\t|\r\n\"<>]+", data))
    for match in chosen(rng, found, rng.choice([1, 1, 3, 20])):
        data = data[: match.start()] + rng.choice(WORDS).encode() + data[match.end() :]
    return data


def change_lines(rng, data, other):
    lines = data.split(b"\n")
    for _ in range(rng.choice([1, 3])):
        i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
        kind = rng.choice(["swap", "drop", "repeat", "blank", "cut"])
        if kind == "swap":
            lines[i], lines[j] = lines[j], lines[i]
        elif kind == "drop" and len(lines) > 1:
            del lines[i]
        elif kind == "repeat":
            lines[i:i] = [lines[i]] * rng.choice([1, 30])
        elif kind == "blank":
            lines[i:i] = [b""] * rng.choice([1, 300])
        else:
            lines[i] = lines[i][: rng.randint(0, len(lines[i]))]
    return b"\n".join(lines)


def repeat_file(rng, data, other):
    return data * rng.choice([2, 2, 5])


def splice(rng, data, other):
    return data[: rng.randint(0, len(data))] + other[rng.randint(0, len(other)) :]


def recode(rng, data, other):
    """The same bytes taken for another encoding and written again."""
    text = data.decode(rng.choice(["latin-1", "utf-8", "utf-16-le"]), errors="replace")
    return text.encode(
        rng.choice(["utf-16", "utf-8-sig", "utf-7", "cp037", "utf-16-be"]), "replace"
    )


DAMAGE = [
    *(flip_bits, set_bytes, cut, delete_chunk, repeat_chunk, move_chunk, insert_signs),
    *(insert_noise, change_numbers, change_cells, change_lines, repeat_file, splice, recode),
]


def damage(rng, data, other, times):
    for _ in range(times):
        if data:
            data = rng.choice(DAMAGE)(rng, data, other)[:LARGEST]
    return data


def zipped(members):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, content in members:
            info = zipfile.ZipInfo(name)  # without the time of day
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return stream.getvalue()


def members_of(data):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def damage_text(rng, data, other):
    """What goes wrong in exports: other cells, lines and signs."""
    for _ in range(rng.choice([1, 1, 2])):
        kinds = [change_cells, change_cells, change_lines, change_numbers, insert_signs]
        data = rng.choice(kinds)(rng, data, other)
    return data


def damage_body(rng, data, other):
    """Damage between the mark at the start of a file and its table of contents at the end."""
    end = len(data) - rng.choice([8, 100])
    if data.endswith(b"PAR1"):
        end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    body = data[16:end]
    return data[:16] + rng.choice([flip_bits, set_bytes])(rng, body, other) + data[end:]


def damage_inside(rng, data, other):
    """Damage to members of a workbook under checksums that are right."""
    members = members_of(data)
    for _ in range(rng.choice([1, 1, 2])):
        # the sheets are what is read most
        likely = [i for i, (name, _) in enumerate(members) if re.search("sheet1|content", name)]
        i = rng.choice(likely) if likely and rng.random() < 0.7 else rng.randrange(len(members))
        name, content = members[i]
        kind = rng.choice([damage_text, damage_text, rng.choice(DAMAGE)])
        members[i] = (name, kind(rng, content, other) if content else content)
    if rng.random() < 0.1:
        del members[rng.randrange(len(members))]
    return zipped(members)


GENTLY = {  # so that the damage comes further than to the first check
    **dict.fromkeys(("xlsx", "ods", "xlsb"), damage_inside),
    **dict.fromkeys(("xls", "Parquet", "Arrow file", "Arrow stream", "SQLite"), damage_body),
}

# Cases --------------------------------------------------------------------------------------------

COLUMNS = (*tw.NAMES[:4], *tw.TIMES, "Tag", "Value", "column_1", "x0", "t", "no such", "")
QUERIES = (
    *(["select * from log"] * 6),
    *("select * from log where 1 = 0", "select 1", "drop table log", "select * from", ""),
    *("select *, 1 as label from log order by 1", "select x'00' as b, null as n", "; select 1"),
)


def some_options(rng):
    column = rng.choice(COLUMNS)
    pool = [
        *(["--long"], ["--wide"], ["--resample", "60"], ["--resample", "0.5", "--fill", "linear"]),
        *(["--header", "3"], ["--header", "0"], ["--header", "1"], ["--header", "100"]),
        *(["--run", column], ["--time", column], ["--time", f"{column}+{rng.choice(COLUMNS)}"]),
        *(["--columns", column], ["--columns", "*"], ["--columns", "F*:x*"], ["--drop", "*e*"]),
        *(["--drop", column], ["--label", column], ["--separator", rng.choice([";", ",", " "])]),
        *(["--decimal", rng.choice([",", "."])], ["--encoding", rng.choice(["utf-16", "cp037"])]),
        *(["--encoding", "utf-8"], ["--sheet", "Log"], ["--sheet", "2"], ["--max-gap", "30"]),
        *(["--timezone", "Europe/Berlin"], ["--time-format", "%d.%m.%Y %H:%M:%S"]),
        *(["--time-format", "ms"], ["--tag", column], ["--value", column], ["--quality", column]),
        *(["--good", "Good"], ["--resample", "3600", "--fill", "mean"]),
    ]
    return [word for option in rng.sample(pool, rng.choice([1, 1, 1, 2])) for word in option]


@dataclass(frozen=True)
class Case:
    """One command: files by name, and what stands behind ``dccad data check``."""

    family: str
    files: dict
    arguments: list


def seed_file(rng, family=None):
    weights = [WEIGHTS.get(name, 1) for name in SEEDS]
    family = family or rng.choices(list(SEEDS), weights)[0]
    make, suffixes = SEEDS[family]
    data = make(rng)
    if data.startswith(b"PK\x03\x04") and family != "noise":
        data = zipped(members_of(data))
    return family, data, rng.choice(suffixes)


def make_case(seed, number):
    """The same case for the same numbers, on any machine."""
    rng = random.Random(f"{seed}/{number}")
    family, data, suffix = seed_file(rng)
    _, other, other_suffix = seed_file(rng)
    kind = rng.random()
    if kind < 0.6:
        data = GENTLY.get(family, damage_text)(rng, data, other)[:LARGEST]
    elif kind < 0.9:
        data = damage(rng, data, other, rng.choice([1, 1, 1, 2, 4]))
    if rng.random() < 0.08:
        suffix = rng.choice([".csv", ".xlsx", ".parquet", ".db", ".xls", ".feather", "", ".rdata"])
    files = {f"log{suffix}": data}
    arguments = [f"log{suffix}", "--json"]
    if rng.random() < 0.02:
        files[f"more{other_suffix}"] = other
        arguments = [".", "--json", *rng.choice([[], ["--join"]])]
    if family == "SQLite" and rng.random() < 0.9:
        arguments += ["--query", rng.choice(QUERIES)]
    if rng.random() < 0.3:
        arguments += some_options(rng)
    return Case(family, files, arguments)


# Reading ------------------------------------------------------------------------------------------


def serve(folder, memory):
    """Worker: run commands from standard input, answer on what was standard output."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    answers = os.fdopen(os.dup(1), "w")
    outputs = [
        Path(folder, name).open("w+b", buffering=0)  # noqa: SIM115  # until the process ends
        for name in ("stdout", "stderr")
    ]
    for number, output in enumerate(outputs, start=1):
        os.dup2(output.fileno(), number)
    from dccad.cli.main import main

    resource.setrlimit(resource.RLIMIT_AS, (memory << 20, memory << 20))
    for line in sys.stdin:
        command = json.loads(line)
        os.chdir(command["folder"])
        for output in outputs:
            output.seek(0)
            output.truncate()
        code, place = run_once(main, ["data", "check", *command["arguments"]])
        sys.stdout.flush()
        sys.stderr.flush()
        texts = []
        for output in outputs:
            output.seek(0)
            texts.append(output.read().decode(errors="backslashreplace"))
        if code == 1 and not place:
            os.environ["DCCAD_DEBUG"] = "1"
            place = run_once(main, ["data", "check", *command["arguments"]])[1]
            del os.environ["DCCAD_DEBUG"]
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
        answer = {"code": code, "out": texts[0], "err": texts[1], "place": place, "peak": peak}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def run_once(main, arguments):
    """Exit code, and where an exception came from that ``main`` let through."""
    try:
        return main(arguments), ""
    except BaseException as error:  # a panic of a library is no Exception
        frames = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in frames if f"{os.sep}dccad{os.sep}" in frame.filename]
        frame = (own or frames)[-1]
        first = (str(error).splitlines() or [""])[0][:200]
        return 1, (
            f"{type(error).__name__} in {Path(frame.filename).name}:{frame.lineno} "
            f"{frame.name}: {first}"
        )


class Worker:
    """A process that reads files until it is stopped, hangs, or ends."""

    def __init__(self, memory):
        self.folder = tempfile.mkdtemp(prefix="dccad-fuzz-")
        command = [sys.executable, __file__, "--serve", self.folder, "--memory", str(memory)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.files = 0

    def run(self, folder, arguments):
        """Answer of the process, or what became of it."""
        self.files += 1
        try:
            question = json.dumps({"folder": str(folder), "arguments": arguments})
            self.process.stdin.write(question + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return self.ended()
        if not select.select([self.process.stdout], [], [], HANG_SECONDS)[0]:
            return {"end": f"no answer within {HANG_SECONDS} s"}
        line = self.process.stdout.readline()
        return json.loads(line) if line else self.ended()

    def ended(self):
        """What the process said last; its exit code counts where it gave one."""
        code = self.process.wait()
        said = (Path(self.folder) / "stderr").read_text(errors="replace")
        if code >= 0:
            return {"code": code, "out": "", "err": said, "place": "", "ended": True}
        last = " / ".join(said.strip().splitlines()[-3:])[:300]
        return {"end": f"the process ended with {signal.Signals(-code).name}: {last}"}

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def refuse_constant(name):
    raise ValueError(f"{name} is no JSON")


def judge(answer):
    """("result" or "refused", None), or ("failure", what is wrong)."""
    if "end" in answer:
        return "failure", answer["end"]
    code, lines = answer["code"], [line for line in answer["err"].splitlines() if line.strip()]
    if answer["place"]:
        return "failure", answer["place"]
    if code == 0:
        if any(not line.startswith("dccad: warning: ") for line in lines):
            return "failure", f"a result, and on standard error {lines[0][:200]!r}"
        try:
            json.loads(answer["out"], parse_constant=refuse_constant)
        except ValueError as error:
            return "failure", f"no JSON document: {error}"
        return "result", None
    if code != 2:
        return "failure", f"exit code {code}: {answer['err'][:200]!r}"
    if len(lines) != 1 or not lines[0].startswith("dccad: error: "):
        return "failure", f"{len(lines)} lines on standard error: {answer['err'][:200]!r}"
    if answer["out"]:
        return "failure", f"an error, and on standard output {answer['out'][:100]!r}"
    if not lines[0].isprintable():
        return "failure", f"signs that no terminal shows: {lines[0][:300]!r}"
    if len(lines[0]) > LONGEST_LINE:
        return "failure", f"a line of {len(lines[0])} signs: {lines[0][:200]!r}"
    return "refused", None


def kind_of_failure(problem):
    """Failures of one kind have one text: without numbers and what is quoted."""
    place = re.match(r"\w+ in \w+\.py:\d+", problem)
    if place:
        return place[0]
    return re.sub(r"\d+", "N", re.sub(r"'[^']*'|\"[^\"]*\"", "…", problem))[:80]


def kind_of_refusal(line):
    """What was refused, without names, numbers and the remedy."""
    text = re.sub(r"'[^']*'|\"[^\"]*\"", "…", line.removeprefix("dccad: error: "))
    return re.sub(r"\d+", "N", text).partition(";")[0].strip()[:100]


@dataclass
class Count:
    files: int = 0
    results: int = 0
    refused: int = 0
    failures: int = 0
    seconds: float = 0.0


def fuzz(arguments):
    counts, failures, refusals = defaultdict(Count), [], Counter()
    slowest, peak = (0.0, ""), 0
    worker = Worker(arguments.memory)
    root = Path(tempfile.mkdtemp(prefix="dccad-fuzz-files-"))
    try:
        for number in range(arguments.start, arguments.start + arguments.files):
            case = make_case(arguments.seed, number)
            folder = root / str(number)
            folder.mkdir()
            for name, data in case.files.items():
                (folder / name).write_bytes(data)
            started = time.perf_counter()
            answer = worker.run(folder, case.arguments)
            seconds = time.perf_counter() - started
            verdict, problem = judge(answer)
            count = counts[case.family]
            count.files += 1
            count.seconds += seconds
            count.results += verdict == "result"
            count.refused += verdict == "refused"
            count.failures += verdict == "failure"
            if verdict == "refused":
                refusals[f"{case.family}: {kind_of_refusal(answer['err'])}"] += 1
            slowest = max(slowest, (seconds, f"{case.family} {number}"))
            peak = max(peak, answer.get("peak", 0))
            if verdict == "failure":
                kind = kind_of_failure(problem)
                if all(failure["kind"] != kind for failure in failures):
                    print(f"{number} {case.family}: {problem[:200]}", file=sys.stderr)
                failures.append(
                    {
                        "number": number,
                        "family": case.family,
                        "kind": kind,
                        "problem": problem,
                        "arguments": case.arguments,
                    }
                )
                if arguments.keep is not None:
                    keep(arguments.keep / str(number), case, problem)
            shutil.rmtree(folder)
            if answer.keys() & {"end", "ended"} or worker.files >= FILES_PER_WORKER:
                worker.stop()
                worker = Worker(arguments.memory)
    finally:
        worker.stop()
        shutil.rmtree(root, ignore_errors=True)
    return counts, failures, refusals, slowest, peak


def keep(folder, case, problem):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in case.files.items():
        (folder / name).write_bytes(data)
    command = ["dccad", "data", "check", *case.arguments]
    (folder / "command.json").write_text(json.dumps({"command": command, "problem": problem}))


def show(counts, failures, slowest, peak):
    print(
        f"{'format':>16} {'files':>7} {'results':>8} {'refused':>8} {'failures':>9} {'seconds':>8}"
    )
    total = Count()
    for family in [name for name in SEEDS if name in counts]:
        count = counts[family]
        show_line(family, count)
        for name, value in vars(count).items():
            setattr(total, name, getattr(total, name) + value)
    show_line("all", total)
    print(f"slowest: {slowest[0]:.1f} s ({slowest[1]}); most memory: {peak} MiB")
    for kind, number in Counter(failure["kind"] for failure in failures).most_common():
        example = next(failure for failure in failures if failure["kind"] == kind)
        print(f"{number} x {kind}\n    {example['family']} {example['number']}: "
              f"{' '.join(example['arguments'])}: {example['problem'][:300]}")  # fmt: skip


def show_line(name, count):
    print(
        f"{name:>16} {count.files:>7} {count.results:>8} {count.refused:>8} {count.failures:>9} "
        f"{count.seconds:>8.1f}"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=int, default=0, help="number of the first file")
    parser.add_argument("--memory", type=int, default=6144, help="address space in MiB")
    parser.add_argument("--output", type=Path, help="JSON file to write")
    parser.add_argument("--keep", type=Path, help="folder for the files that failed")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        return serve(arguments.serve, arguments.memory)
    counts, failures, refusals, slowest, peak = fuzz(arguments)
    show(counts, failures, slowest, peak)
    if arguments.output is not None:
        record = {
            "files": arguments.files,
            "seed": arguments.seed,
            "formats": {name: vars(count) for name, count in counts.items()},
            "failures": failures,
            "refusals": dict(refusals.most_common()),
            "slowest_seconds": slowest[0],
            "peak_mib": peak,
        }
        arguments.output.write_text(json.dumps(record, indent=1) + "\n")
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
