"""Names of the methods and protocols; importing them costs nothing, so the help can show them."""

from __future__ import annotations

DETECTORS = {
    "dccad": "the detector with its defaults",
    "dccad-published": "the method as published",
    "autoencoder-kmeans": "the same without clustering loss: autoencoder, then k-means",
}

ABLATIONS = {
    "dccad-no-split": "all kernels cluster",
    "dccad-alpha-0": "no clustering loss",
    "dccad-untrained": "no training at all",
    "dccad-sensors": "no whitened directions",
    "dccad-whitened": "no single sensors",
    "dccad-untamed": "excursions as they are",
    "dccad-separation": "maps ranked by separation alone",
    "dccad-persistence": "maps ranked by persistence alone",
    "dccad-distance": "maps ranked by centre distance",
    "dccad-centres": "regions by k-means on the clustering maps",
}
"""The detector with one part taken away or replaced; shown only if they are asked for."""

PARTITIONS = {
    "kmeans-windows": "k-means on 20 principal components of flattened windows",
    "gmm-windows": "Gaussian mixture on the same components",
    "kmeans-stats": "k-means on window means and log-variances",
    "gmm-stats": "Gaussian mixture on the same",
    "kmeans-scaled-stats": "the same, each to unit variance",
    "gmm-scaled-stats": "Gaussian mixture on the same",
    "statistic-selection": "label-free choice of one window statistic",
}
"""Baselines that divide windows into regions; all but the last are monitors, too."""

MONITORS = {
    "pca-t2": "T² of rows, mean of the last scores",
    "pca-spe": "SPE of rows, mean of the last scores",
    "dpca-t2": "T² of lagged rows",
    "dpca-spe": "SPE of lagged rows",
    "lw-rows": "Mahalanobis distance of rows, mean of the last scores",
    "lw-mean": "Mahalanobis distance of window means",
    "lw-stats": "Mahalanobis distance of window means and log-variances",
    "contrast-rows": "the same of rows, in directions in which unlabelled rows stand out",
    "contrast-mean": "the same of window means",
    "contrast-stats": "the same of means and log-variances",
    "isolation-forest": "isolation forest on flattened windows",
    "neighbours": "distance to the 5th nearest window of the fit",
}
"""Baselines that score rows."""

SLOW_MONITORS = {
    "conv-autoencoder": "plain convolutional autoencoder",
    "lstm-autoencoder": "LSTM autoencoder",
    "pyod-autoencoder": "AutoEncoder of PyOD on flattened windows",
    "pyod-deepsvdd": "DeepSVDD of PyOD on rows, mean of the scores",
}
"""Monitors that train long; shown only if they are asked for."""

METHOD_NAMES = (*DETECTORS, *ABLATIONS, *PARTITIONS, *MONITORS, *SLOW_MONITORS)

PROTOCOLS = {
    "tep-pooled": "dccad.evaluation.protocols.tep:POOLED",
    "tep-pairs": "dccad.evaluation.protocols.tep:PAIRS",
    "tep-runs": "dccad.evaluation.protocols.tep:RUNS",
    "tep-monitor": "dccad.evaluation.protocols.faults:MONITOR",
    "tep-adapt": "dccad.evaluation.protocols.faults:ADAPT",
    "tep-many": "dccad.evaluation.protocols.tep_many:PROTOCOL",
    "skab": "dccad.evaluation.protocols.skab:PROTOCOL",
    "peeling": "dccad.evaluation.protocols.peeling:PROTOCOL",
}
"""Name on the command line to the place of the :class:`dccad.evaluation.protocol.Protocol`."""
