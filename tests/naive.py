"""Naive, obviously correct versions of every fast path: loops, tiny inputs, no import of dccad."""

import itertools
import math

import numpy as np
import torch

# -- windows -------------------------------------------------------------------------------------


def naive_windows(segments, length, stride):
    """Every window as (rows of sensors first, index of its last row over all segments)."""
    found, offset = [], 0
    for rows in segments:
        start = 0
        while start + length <= len(rows):
            window = [[rows[start + t][c] for t in range(length)] for c in range(len(rows[0]))]
            found.append((window, offset + start + length - 1))
            start += stride
        offset += len(rows)
    return found


def naive_rows(values, segment_lengths, length, stride):
    """Per row: the value of the latest window of its segment that has ended, else None."""
    result, position = [], 0
    for n_rows in segment_lengths:
        ends = {}
        start = 0
        while start + length <= n_rows:
            ends[start + length - 1] = values[position]
            position += 1
            start += stride
        latest = None
        for row in range(n_rows):
            latest = ends.get(row, latest)
            result.append(latest)
    return result


# -- network -------------------------------------------------------------------------------------


def naive_convolution(x, weight, bias, stride, pad_left, pad_right):
    n_out, n_in, size = weight.shape
    padded = np.concatenate([np.zeros((n_in, pad_left)), x, np.zeros((n_in, pad_right))], axis=1)
    length = (padded.shape[1] - size) // stride + 1
    out = np.zeros((n_out, length))
    for o, t in itertools.product(range(n_out), range(length)):
        out[o, t] = bias[o] + sum(
            weight[o, i, k] * padded[i, t * stride + k] for i in range(n_in) for k in range(size)
        )
    return out


def naive_transposed_convolution(x, weight, bias, stride, crop_left):
    """Scatter every input value through its kernel; keep T × stride positions after the crop."""
    n_in, n_out, size = weight.shape
    length = x.shape[1]
    wide = np.zeros((n_out, (length - 1) * stride + size + stride))
    for i, t, o, k in itertools.product(range(n_in), range(length), range(n_out), range(size)):
        wide[o, t * stride + k] += x[i, t] * weight[i, o, k]
    return wide[:, crop_left : crop_left + length * stride] + bias[:, None]


def naive_leaky_relu(x):
    return np.where(x > 0, x, 0.01 * x)


def naive_normalisation(x, state, prefix):
    mean, var = state[prefix + "running_mean"], state[prefix + "running_var"]
    scale, shift = state[prefix + "weight"], state[prefix + "bias"]
    return (x - mean[:, None]) / np.sqrt(var[:, None] + 1e-5) * scale[:, None] + shift[:, None]


def naive_autoencoder(window, state, strides, kernel_size, batch_norm):
    """Latents and reconstruction of one window from a state dict of arrays."""
    left, right, depth = (kernel_size - 1) // 2, kernel_size // 2, len(strides)
    x = window
    for block, stride in enumerate(strides):
        name = f"encoder.{block}."
        weight, bias = state[name + "convolution.weight"], state[name + "convolution.bias"]
        x = naive_leaky_relu(naive_convolution(x, weight, bias, stride, left, right))
        if batch_norm:
            x = naive_normalisation(x, state, name + "normalisation.")
    latents = x
    for block, stride in enumerate(reversed(strides)):
        name = f"decoder.{block}."
        weight, bias = state[name + "convolution.weight"], state[name + "convolution.bias"]
        x = naive_transposed_convolution(x, weight, bias, stride, left)
        if block < depth - 1:
            x = naive_leaky_relu(x)
            if batch_norm:
                x = naive_normalisation(x, state, name + "normalisation.")
    return latents, x


# -- clustering ----------------------------------------------------------------------------------


def squared_distance(a, b):
    return sum((float(p) - float(q)) ** 2 for p, q in zip(a, b, strict=True))


def naive_assign(points, centres):
    """Nearest centre of each point; ties go to the lower index."""
    return [
        min(range(len(centres)), key=lambda k: squared_distance(point, centres[k]))
        for point in points
    ]


def naive_lloyd(points, centres, n_iter):
    """Lloyd's algorithm on one map; an empty cluster moves to the farthest point."""
    centres = [list(map(float, centre)) for centre in centres]
    for _ in range(n_iter):
        assigned = naive_assign(points, centres)
        moved = []
        far = sorted(
            range(len(points)),
            key=lambda i: -squared_distance(points[i], centres[assigned[i]]),
        )
        for k in range(len(centres)):
            members = [points[i] for i in range(len(points)) if assigned[i] == k]
            if members:
                moved.append([sum(column) / len(members) for column in zip(*members, strict=True)])
            else:
                moved.append([float(value) for value in points[far.pop(0)]])
        centres = moved
    assigned = naive_assign(points, centres)
    inertia = sum(squared_distance(p, centres[a]) for p, a in zip(points, assigned, strict=True))
    return centres, assigned, inertia


def naive_centre_distance(centres):
    return min(math.dist(a, b) for a, b in itertools.combinations(centres, 2))


def naive_ranks(distances):
    """1 + how many maps lie before this one: larger distance, or equal with a lower index."""
    return [
        1 + sum(1 for j, other in enumerate(distances) if other > d or (other == d and j < i))
        for i, d in enumerate(distances)
    ]


# -- objective -----------------------------------------------------------------------------------


def naive_losses(network, windows, centres, assignments, clustering):
    """L_R and L_C of a batch, summed term by term."""
    latents, output = network(windows)
    squares = [(o - w) ** 2 for o, w in zip(output.flatten(), windows.flatten(), strict=True)]
    reconstruction = torch.stack(squares).sum() / len(squares)
    terms = []
    for i in range(len(windows)):
        for m in range(latents.shape[1]):
            if clustering[m]:
                centre = centres[m, assignments[i, m]]
                terms.append(sum((latents[i, m, t] - centre[t]) ** 2 for t in range(len(centre))))
    return reconstruction, sum(terms) / len(terms)


def gradients_of(loss, parameters):
    grads = torch.autograd.grad(loss, parameters, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g.clone()
        for p, g in zip(parameters, grads, strict=True)
    ]


def naive_one_pass_gradients(network, batch, alpha, map_names):
    """Gradient of every parameter: the combined loss, and L_R alone for reconstruction rows."""
    names, parameters = zip(*network.named_parameters(), strict=True)
    reconstruction, cluster = naive_losses(network, *batch)
    of_reconstruction = gradients_of(reconstruction, parameters)
    of_cluster = gradients_of(cluster, parameters)
    expected = {}
    for name, g_r, g_c in zip(names, of_reconstruction, of_cluster, strict=True):
        gradient = (1 - alpha) * g_r + alpha * g_c
        if name in map_names:
            for m, is_clustering in enumerate(batch[3]):
                if not is_clustering:
                    gradient[m] = g_r[m]
        expected[name] = gradient
    return expected


class NaiveAdam:
    """Adam, element by element, that leaves frozen elements alone."""

    def __init__(self, learning_rate):
        self.rate = learning_rate
        self.memory, self.steps = {}, 0

    def step(self, named_parameters, gradients, frozen):
        self.steps += 1
        for name, parameter in named_parameters:
            values, grads = parameter.data.view(-1), gradients[name].reshape(-1)
            still = frozen[name].reshape(-1)
            first, second = self.memory.setdefault(
                name, (torch.zeros_like(values), torch.zeros_like(values))
            )
            for i in range(len(values)):
                if still[i]:
                    continue
                g = grads[i]
                first[i] = 0.9 * first[i] + 0.1 * g
                second[i] = 0.999 * second[i] + 0.001 * g * g
                unbiased_first = first[i] / (1 - 0.9**self.steps)
                unbiased_second = second[i] / (1 - 0.999**self.steps)
                values[i] -= self.rate * unbiased_first / (unbiased_second.sqrt() + 1e-8)


def naive_two_step(network, optimizer, batch, alpha, map_names):
    """One batch of the published routing on a NaiveAdam."""
    clustering = batch[3]
    for loss_of, frozen_maps in (
        (lambda r, c: (1 - alpha) * r + alpha * c, ~clustering),
        (lambda r, c: r, clustering),
    ):
        names, parameters = zip(*network.named_parameters(), strict=True)
        loss = loss_of(*naive_losses(network, *batch))
        gradients = dict(zip(names, gradients_of(loss, parameters), strict=True))
        frozen = {}
        for name, parameter in zip(names, parameters, strict=True):
            frozen[name] = torch.zeros(parameter.shape, dtype=torch.bool)
            if name in map_names:
                frozen[name][frozen_maps] = True
        optimizer.step(list(zip(names, parameters, strict=True)), gradients, frozen)


# -- scores --------------------------------------------------------------------------------------


def naive_statistics(latents, output, window, region_centres, maps):
    """Region, distance to the normal centres and reconstruction error of one window."""
    chosen = np.concatenate([latents[m] for m in maps])
    centres = [np.concatenate(list(region)) for region in region_centres]
    distances = [squared_distance(latents[m], region_centres[0][i]) for i, m in enumerate(maps)]
    error = np.mean([(o - w) ** 2 for o, w in zip(output.ravel(), window.ravel(), strict=True)])
    return (
        naive_assign([chosen], centres)[0],
        math.sqrt(sum(distances) / len(distances)),
        math.sqrt(error),
    )


def naive_window_statistics(
    window, maps, output, parts, kernels_per_direction, n_sensors, signatures=None
):
    """The statistics of one window, direction by direction and position by position.

    ``parts`` holds mean and whitening by name; ``signatures`` mean, whitening and shifts.
    """

    def squared(features, mean, whitening):
        z = [
            sum((f - m) * w for f, m, w in zip(features, mean, column, strict=True))
            for column in whitening.T
        ]
        return sum(value**2 for value in z)

    def distance(features, name):
        return squared(features, *parts[name]) / len(features)

    def log_variance(values):
        mean = sum(values) / len(values)
        return math.log(sum((v - mean) ** 2 for v in values) / len(values) + 1e-3)

    levels = [maps[d * kernels_per_direction].tolist() for d in range(len(window))]
    whitened = levels[n_sensors:] or levels
    sensors = range(n_sensors or len(levels))
    by_row = [distance(row, "row") for row in zip(*whitened, strict=True)]
    recent = by_row[-max(1, round(len(by_row) / 3)) :]
    means = [sum(level) / len(level) for level in whitened]
    variances = [log_variance(levels[d]) for d in sensors]
    residuals = [
        sum(x - y for x, y in zip(window[d].tolist(), output[d].tolist(), strict=True))
        / len(window[d])
        for d in sensors
    ]
    found = [
        sum(by_row) / len(by_row),
        sum(recent) / len(recent),
        distance(means, "mean"),
        distance(variances, "log-variance"),
        distance(residuals, "residual"),
    ]
    if signatures is not None:
        mean, whitening, shifts = signatures
        z = [
            sum((f - m) * w for f, m, w in zip(means, mean, column, strict=True))
            for column in whitening.T
        ]
        ratios = [
            sum(a * b for a, b in zip(z, shift, strict=True)) - sum(b * b for b in shift) / 2
            for shift in shifts
        ]
        found.append(math.exp(min(max(max(ratios), -5000.0), 5000.0) / 10))
    return found


def naive_cluster_accuracy(truth, clusters):
    """Best share of windows over every one-to-one match of clusters to labels."""
    names = sorted(set(truth))
    found = sorted(set(clusters))
    longer, shorter = (names, found) if len(names) >= len(found) else (found, names)
    best = 0
    for chosen in itertools.permutations(longer, len(shorter)):
        match = set(zip(chosen, shorter, strict=True))
        pairs = (
            (t, c) if longer is names else (c, t) for t, c in zip(truth, clusters, strict=True)
        )
        best = max(best, sum(pair in match for pair in pairs))
    return best / len(truth)


# -- preparation ---------------------------------------------------------------------------------


def naive_preparation(segments, steps):
    """Prepare segments of one or more sensors row by row.

    ``steps`` are tuples: ("drop missing",), ("idle", column, level or None, join),
    ("mode", function of a row), ("average", factor), ("difference", column),
    ("change", column, function). Gives the prepared rows and, per row of the log, the index of the
    prepared row whose result it gets, or None.
    """
    # a piece is a list of entries: (values or None for a row that was left out, row of the log at
    # which the entry is complete, rows of the log it stands for so far)
    pieces, row = [], 0
    for rows in segments:
        piece = []
        for values in rows:
            piece.append((list(values), row))
            row += 1
        pieces.append((piece, [r for _, r in piece]))
    n_rows = row
    for step in steps:
        result = []
        for piece, covers in pieces:
            result.extend(naive_step(piece, covers, step))
        pieces = [(piece, covers) for piece, covers in result if piece]
    source = [None] * n_rows
    prepared, offset = [], 0
    for piece, covers in pieces:
        for row in covers:
            complete = [i for i, (_, end) in enumerate(piece) if end <= row]
            if complete:
                source[row] = offset + complete[-1]
        prepared.append([values for values, _ in piece])
        offset += len(piece)
    return prepared, source


def naive_step(piece, covers, step):
    kind = step[0]
    if kind in ("drop missing", "idle", "mode"):
        if kind == "drop missing":
            keep = [not any(v != v for v in values) for values, _ in piece]
        elif kind == "idle":
            _, column, level, _ = step
            keep = [
                values[column] != 0 if level is None else values[column] > level
                for values, _ in piece
            ]
        else:
            keep = [step[1](values) for values, _ in piece]
        owner = {}  # row of the log -> entry it stands on (the first one before any is complete)
        for row in covers:
            complete = [i for i, (_, end) in enumerate(piece) if end <= row]
            owner[row] = complete[-1] if complete else 0
        groups, current = [], []
        for i, flag in enumerate(keep):
            if flag:
                current.append(i)
            elif current:
                groups.append(current)
                current = []
        if current:
            groups.append(current)
        if kind == "idle" and step[3]:
            groups = [[i for group in groups for i in group]]
        return [
            ([piece[i] for i in group], [row for row in covers if owner[row] in group])
            for group in groups
        ]
    if kind == "average":
        factor, blocks = step[1], []
        for start in range(0, len(piece) - factor + 1, factor):
            block = piece[start : start + factor]
            means = [
                sum(values[c] for values, _ in block) / factor for c in range(len(block[0][0]))
            ]
            blocks.append((means, block[-1][1]))
        return [(blocks, covers)]
    if kind == "difference":
        column, changed = step[1], []
        for (before, _), (values, end) in itertools.pairwise(piece):
            new = list(values)
            new[column] = values[column] - before[column]
            changed.append((new, end))
        return [(changed, covers)]
    _, column, function = step
    changed = []
    for values, end in piece:
        new = list(values)
        new[column] = function(values[column])
        changed.append((new, end))
    return [(changed, covers)]


# -- alarms --------------------------------------------------------------------------------------


def naive_alarm_rows(scores, limit, k, n, clear_limit, off_delay):
    """Per row, whether there is an alarm: the rule's words, a row at a time."""
    active, calm, states = False, 0, []
    for row, score in enumerate(scores):
        last = scores[max(row - n + 1, 0) : row + 1]
        if active:
            calm = calm + 1 if math.isnan(score) or score <= clear_limit else 0
            if calm == off_delay:
                active = False
        elif sum(1 for s in last if s > limit) >= k:
            active, calm = True, 0
        states.append(active)
    return states


# -- cross-fitting -------------------------------------------------------------------------------


def naive_training_rows(lengths, held_out, window, gap):
    """Rows (run, row) that keep the gap from a fold's held-out blocks, in stretches of a window."""
    rows = set()
    for run, length in enumerate(lengths):
        far = [
            all(r != run or row < start - gap or row >= stop + gap for r, start, stop in held_out)
            for row in range(length)
        ]
        for row in range(length):
            stretch = {row}
            for step in (-1, 1):
                other = row
                while 0 <= other < length and far[other]:
                    stretch.add(other)
                    other += step
            if far[row] and len(stretch) >= window:
                rows.add((run, row))
    return rows


# -- long-run covariance -------------------------------------------------------------------------


def naive_long_run_covariance(runs, bandwidth):
    """Autocovariances of each lag, one product at a time, with Bartlett weights."""
    rows = [row for run in runs for row in run]
    size = len(rows[0])
    mean = [sum(row[c] for row in rows) / len(rows) for c in range(size)]
    total = [[0.0] * size for _ in range(size)]
    for run in runs:
        for s, t in itertools.product(range(len(run)), repeat=2):
            weight = max(1 - abs(s - t) / bandwidth, 0)
            for i, j in itertools.product(range(size), repeat=2):
                product = (run[s][i] - mean[i]) * (run[t][j] - mean[j])
                total[i][j] += weight * product / len(rows)
    return total


# -- cuts of single values -----------------------------------------------------------------------


def naive_sum_of_squares(values):
    if not values:
        return 0.0
    mean = math.fsum(values) / len(values)
    return math.fsum((value - mean) ** 2 for value in values)


def naive_cut(values):
    """Threshold, two means and sum of squares within of the best of all cuts; None: all equal."""
    ordered, best = sorted(values), None
    for lower in range(1, len(ordered)):
        low, high = ordered[:lower], ordered[lower:]
        if low[-1] == high[0]:
            continue  # equal values belong together
        within = naive_sum_of_squares(low) + naive_sum_of_squares(high)
        if best is None or within < best[2]:
            means = [math.fsum(low) / len(low), math.fsum(high) / len(high)]
            best = ((low[-1] + high[0]) / 2, means, within)
    return best


def naive_normal_density(x, mean, std):
    return math.exp(-(((x - mean) / std) ** 2) / 2) / std


def naive_crossing(share, low, low_std, high, high_std, points=200_001):
    """First point of a grid between the means where the upper density is the larger one.

    None where the upper one is never the smaller one before, or where it stays so.
    """
    before = False
    for step in range(1, points - 1):
        x = low + (high - low) * step / (points - 1)
        below = (1 - share) * naive_normal_density(x, low, low_std)
        above = share * naive_normal_density(x, high, high_std)
        if before and above >= below:
            return x
        before = above < below
    return None


def naive_minimum_error_threshold(values, threshold, rounds):
    """Split at the threshold, fit two normal distributions, go to their crossing; repeat."""
    for _ in range(rounds):
        low = [value for value in values if value <= threshold]
        high = [value for value in values if value > threshold]
        stds = [math.sqrt(naive_sum_of_squares(part) / max(len(part), 1)) for part in (low, high)]
        if not all(stds):
            return threshold
        means = [math.fsum(part) / len(part) for part in (low, high)]
        share = len(high) / len(values)
        crossing = naive_crossing(share, means[0], stds[0], means[1], stds[1], points=20_001)
        if crossing is None:
            return threshold
        threshold = crossing
    return threshold


# -- quality of maps -----------------------------------------------------------------------------


def naive_separation(points, assigned):
    """Sum of squares between the clusters over the total, from the means of the members."""
    centre = [sum(column) / len(points) for column in zip(*points, strict=True)]
    total = sum(squared_distance(point, centre) for point in points)
    between = 0.0
    for cluster in set(assigned):
        members = [point for point, a in zip(points, assigned, strict=True) if a == cluster]
        mean = [sum(column) / len(members) for column in zip(*members, strict=True)]
        between += len(members) * squared_distance(mean, centre)
    return between / total if total else 0.0


def naive_persistence(runs, window, stride, lags):
    """Product over lags of one minus switches over those by chance, all pairs of each run.

    ``runs`` holds the clusters of consecutive windows, run by run; ``lags`` the weight of each lag.
    """
    everything = [cluster for run in runs for cluster in run]
    n = len(everything)
    pairs = sum(a != b for a, b in itertools.product(everything, repeat=2))
    chance = pairs / n**2  # two windows drawn at random, with replacement
    if not chance:
        return 0.0
    product = 1.0
    for lag, weight in lags.items():
        steps = max(1, round(lag * window / stride))
        seen = [
            run[i] != run[j]
            for run in runs
            for i in range(len(run))
            for j in range(len(run))
            if j - i == steps
        ]
        if seen:
            lasting = max(0.0, 1 - (sum(seen) / len(seen)) / chance)
            product *= weight * lasting + (1 - weight) * 1.0
    return product


# -- depthwise maps and pooling ------------------------------------------------------------------


def naive_depthwise_maps(window, kernels, per_direction):
    """Map of each kernel: its taps on its own direction, position by position."""
    size, length = len(kernels[0]), len(window[0]) - len(kernels[0]) + 1
    return [
        [
            sum(kernel[tap] * window[k // per_direction][t + tap] for tap in range(size))
            for t in range(length)
        ]
        for k, kernel in enumerate(kernels)
    ]


def naive_pool(values, smallest_variance):
    """Mean, mean of the last third and log-variance of one map."""
    mean = sum(values) / len(values)
    recent = values[-max(1, round(len(values) / 3)) :]
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return mean, sum(recent) / len(recent), math.log(variance + smallest_variance)


def naive_pool_together(maps):
    """Log mean square over the window, over its last third, and of the means, of several maps."""
    length = len(maps[0])
    recent = max(1, round(length / 3))
    squares = [[value**2 for value in values] for values in maps]
    energy = sum(sum(row) for row in squares) / len(maps) / length
    late = sum(sum(row[-recent:]) for row in squares) / len(maps) / recent
    of_mean = sum((sum(values) / length) ** 2 for values in maps) / len(maps)
    return [math.log(value + 1e-6) for value in (energy, late, of_mean)]


# -- consensus -----------------------------------------------------------------------------------


def naive_vote(values, maps, thresholds, scales, weights):
    """Sum of the votes of one window's values."""
    return sum(
        weight * math.tanh(2 * (values[m] - threshold) / scale)
        for m, threshold, scale, weight in zip(maps, thresholds, scales, weights, strict=True)
    )


def naive_phi(one, two):
    """Correlation of two divisions from the counts of their fourfold table."""
    count = {(a, b): 0 for a in (False, True) for b in (False, True)}
    for pair in zip(map(bool, one), map(bool, two), strict=True):
        count[pair] += 1
    a, b = count[True, True], count[True, False]
    c, d = count[False, True], count[False, False]
    below = math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    return (a * d - b * c) / below if below else 0.0


# -- window statistics ---------------------------------------------------------------------------


def naive_mahalanobis(point, mean, covariance):
    """Squared distance by solving the linear system."""
    away = np.array(point, dtype=float) - np.array(mean, dtype=float)
    return float(away @ np.linalg.solve(np.array(covariance, dtype=float), away))


def naive_stretches(lengths, starts, normal, window):
    """Rows (run, first, stop) of windows that follow one another with common rows."""
    offsets = [sum(lengths[:run]) for run in range(len(lengths))]
    found = []
    for start, is_normal in zip(starts, normal, strict=True):
        if not is_normal:
            continue
        run = max(r for r, offset in enumerate(offsets) if offset <= start)
        first = start - offsets[run]
        if found and found[-1][0] == run and first < found[-1][2]:
            found[-1][2] = first + window
        else:
            found.append([run, first, first + window])
    return [tuple(entry) for entry in found]


def naive_sliding(values, length):
    """Sum, mean and variance of every ``length`` consecutive values."""
    found = []
    for start in range(len(values) - length + 1):
        part = values[start : start + length]
        mean = math.fsum(part) / length
        found.append((math.fsum(part), mean, math.fsum((v - mean) ** 2 for v in part) / length))
    return found


# -- running statistics ---------------------------------------------------------------------------


def naive_row_statistics(rows):
    """Mean, co-moments, lowest and highest of all rows at once, sensor by sensor."""
    n_rows, n_sensors = len(rows), len(rows[0])
    mean = [math.fsum(float(row[c]) for row in rows) / n_rows for c in range(n_sensors)]
    comoment = [
        [
            math.fsum((float(row[a]) - mean[a]) * (float(row[b]) - mean[b]) for row in rows)
            for b in range(n_sensors)
        ]
        for a in range(n_sensors)
    ]
    lowest = [min(float(row[c]) for row in rows) for c in range(n_sensors)]
    highest = [max(float(row[c]) for row in rows) for c in range(n_sensors)]
    return np.array(mean), np.array(comoment), np.array(lowest), np.array(highest)
