"""The command ``dccad score``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from dccad.cli.options import (
    JsonOption,
    LogArgument,
    ResumeOption,
    ScorerArgument,
    StreamOption,
    check_output,
    grouped_options,
    load_scorer,
    scoring_options,
)
from dccad.tables.options import TableOptions

if TYPE_CHECKING:
    from dccad.alarms.report import AlarmPattern, AlarmReport
    from dccad.detector import DCCA
    from dccad.onnx import OnnxDetector
    from dccad.tables import Tables


@dataclass(frozen=True)
class AlarmOptions:
    """Which alarms to report; without any of these options none are."""

    alarm: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help='Report alarms. "3 of 5" raises one when 3 of 5 rows exceed a limit, "5" when '
            'five in a row do. "3 of 5, off 10, clear 0.1" ends it after 10 rows in a row below '
            "the score that a tenth of normal rows exceed.",
        ),
    ] = None
    alarms_per_day: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="False alarms per day for which to choose that limit; by default it is the "
            "threshold.",
        ),
    ] = None
    alarms_per_1000: Annotated[
        float | None,
        typer.Option(
            metavar="N",
            help="False alarms per 1000 rows for which to choose that limit, for logs without time "
            "stamps.",
        ),
    ] = None

    @property
    def wanted(self) -> bool:
        """Whether any option asks for alarms."""
        return self != AlarmOptions()

    def pattern(self) -> AlarmPattern:
        """The rule without its limit, once the options are known to fit together."""
        from dccad.alarms.report import check_wanted, parse_pattern

        check_wanted(self.alarms_per_day, self.alarms_per_1000)
        return parse_pattern("1 of 1" if self.alarm is None else self.alarm)


@grouped_options
def score(
    *,
    model: ScorerArgument,
    log: LogArgument,
    output: Annotated[
        Path,
        typer.Option(
            "--output", "-o", metavar="FILE", help="File of scores to write, .csv or .parquet."
        ),
    ],
    alarms: AlarmOptions,
    stream: StreamOption = None,
    resume: ResumeOption = False,
    json: JsonOption = False,
    tables: TableOptions,
) -> None:
    """Score every row of a log.

    The log is read and prepared as the log of the fit was; give an option only where it differs.
    Parquet of 1 GiB or more is read and written in pieces, in bounded memory. A score --stream that
    is killed leaves OUTPUT.parts: score --resume with the same arguments goes on from there.
    """
    from dccad.cli.pieces import open_stream, score_stream
    from dccad.cli.printing.as_json import print_json
    from dccad.cli.printing.scores import print_alarms, print_scores
    from dccad.cli.printing.tables import print_tables
    from dccad.results.table import promised_rate
    from dccad.tables import read_tables

    check_output(output, (".csv", ".parquet"), inputs=log)
    pattern = alarms.pattern()
    detector = load_scorer(model)
    named = detector.columns_ if hasattr(detector, "feature_names_in_") else None
    reading = scoring_options(tables, detector.reading_, named)
    fitted = getattr(detector, "model_", None)  # an ONNX file has none
    preparation = None if fitted is None else fitted.preparation
    source = open_stream(log, reading, stream, resume, preparation, alarms.wanted)
    report = None
    if source is not None:
        summary = score_stream(cast(Any, detector), source, output, resume)
        found = source.summaries()
    else:
        whole = read_tables(log, reading)
        found = whole.summaries
        summary, report = _score_whole(detector, whole, output, alarms, pattern)
    rate, scored = detector.false_alarm_rate, summary["scored"]
    summary["promise"] = promised_rate(detector.calibration_, rate, scored)
    summary["alarms"] = None if report is None else report.to_dict()
    if json:
        print_json({**summary, "tables": [table.as_record() for table in found]})
    else:
        print_tables(found)
        print_scores(summary, output)
        if report is not None:
            print_alarms(summary["alarms"])


def _score_whole(
    detector: DCCA | OnnxDetector,
    tables: Tables,
    output: Path,
    alarms: AlarmOptions,
    pattern: AlarmPattern,
) -> tuple[dict[str, Any], AlarmReport | None]:
    """Score a log in memory into the output; its summary, and its alarms where they are wanted."""
    from dccad.logs.missing import count_missing
    from dccad.results.files import write_scores
    from dccad.results.table import score_table, summarise_scores

    table = score_table(detector, tables.runs)
    report = None
    if alarms.wanted:
        report = detector.find_alarms(
            tables.runs,
            pattern,
            per_day=alarms.alarms_per_day,
            per_1000_rows=alarms.alarms_per_1000,
            scores=table["score"],
        )
    write_scores(output, table)
    summary = summarise_scores(table, detector.threshold_, detector.states_)
    summary["missing_cells"] = count_missing(tables.runs.values())
    return summary, report
