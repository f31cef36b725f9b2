"""Naive, obviously correct versions of the grids: loops, tiny inputs, no import of dccad."""

import math


def naive_stretches(stamps, limit):
    """Lists of row numbers between steps longer than the limit."""
    stretches = [[0]]
    for row in range(1, len(stamps)):
        if stamps[row] - stamps[row - 1] > limit:
            stretches.append([])
        stretches[-1].append(row)
    return stretches


def naive_grid(first, last, interval):
    """Multiples of the interval from the first to the last stamp, both included."""
    return [
        k * interval for k in range(math.ceil(first / interval), math.floor(last / interval) + 1)
    ]


def naive_value(known, point, interval, fill, limit):
    """Value at a grid point from (stamp, value) pairs of one stretch; None where there is none."""
    before = [(stamp, value) for stamp, value in known if stamp <= point]
    after = [(stamp, value) for stamp, value in known if stamp >= point]
    if fill == "linear":
        if not before or not after:
            return None
        (t0, v0), (t1, v1) = before[-1], after[0]
        if t0 == t1:
            return v0
        if limit is not None and t1 - t0 > limit:
            return None
        return v0 + (v1 - v0) * (point - t0) / (t1 - t0)
    if fill == "mean":
        inside = [value for stamp, value in before if stamp > point - interval]
        if inside:
            return sum(inside) / len(inside)
    if not before or (limit is not None and point - before[-1][0] > limit):
        return None
    return before[-1][1]


def naive_resample(rows, stamps, interval, fill, limit):
    """Rows at the grid points, and the grid points; NaN where a sensor has no value."""
    out, points = [], []
    for stretch in naive_stretches(stamps, limit):
        for point in naive_grid(stamps[stretch[0]], stamps[stretch[-1]], interval):
            row = []
            for sensor in range(len(rows[0])):
                known = [
                    (stamps[i], rows[i][sensor]) for i in stretch if not math.isnan(rows[i][sensor])
                ]
                value = naive_value(known, point, interval, fill, limit)
                row.append(math.nan if value is None else value)
            out.append(row)
            points.append(point)
    return out, points


def naive_pivot(reports, interval, fill, limit):
    """Long to wide: reports are (stamp, tag, value) in the order of the file.

    Every tag needs two different stamps to take part. Returns tags, rows and grid points; rows in
    which some tag has no value yet are left out.
    """
    series = {}
    for stamp, tag, value in reports:
        series.setdefault(tag, {})[stamp] = value  # the last one counts
    series = {tag: sorted(known.items()) for tag, known in series.items() if len(known) > 1}
    tags = sorted(series)
    stamps = sorted({stamp for known in series.values() for stamp, _ in known})
    out, points = [], []
    for stretch in naive_stretches(stamps, limit) if stamps else []:
        first, last = stamps[stretch[0]], stamps[stretch[-1]]
        for point in naive_grid(first, last, interval):
            row = []
            for tag in tags:
                known = [(stamp, value) for stamp, value in series[tag] if first <= stamp <= last]
                value = naive_value(known, point, interval, fill, None)
                if value is None:  # after its last report a tag is held
                    value = naive_value(known, point, interval, "hold", None)
                row.append(value)
            if None not in row:
                out.append(row)
                points.append(point)
    return tags, out, points
