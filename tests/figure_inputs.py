"""Inputs of figures, and what a figure shows."""

import numpy as np


def make_history(n_pretrain=3, n_joint=7, interval=3):
    history = []
    for epoch in range(n_pretrain + n_joint):
        joint = epoch >= n_pretrain
        history.append(
            {
                "phase": "joint" if joint else "pretrain",
                "epoch": epoch,
                "reconstruction_loss": 1.0 / (1 + epoch),
                "clustering_loss": 0.5 / (1 + epoch) if joint else None,
                "total_loss": 0.7 / (1 + epoch),
                "centre_distance": 2.0 + epoch if joint else None,
                "updated": joint and (epoch - n_pretrain) % interval == 0,
            }
        )
    return history


def make_per_map(n_maps=6, n_clustering=3, seed=0):
    rng = np.random.default_rng(seed)
    distance = rng.uniform(1.0, 5.0, n_maps)
    rank = np.empty(n_maps, dtype=int)
    rank[np.argsort(-distance)] = np.arange(1, n_maps + 1)
    return {
        "map": list(range(n_maps)),
        "acc": rng.uniform(0.5, 1.0, n_maps),
        "nmi": rng.uniform(0.0, 1.0, n_maps),
        "ari": rng.uniform(-0.2, 1.0, n_maps),
        "centre_distance": distance,
        "rank": rank,
        "group": ["clustering" if r <= n_clustering else "reconstruction" for r in rank],
    }


def make_latents(n_windows=40, n_maps=5, n_positions=3):
    """Each value encodes its own window, map and position."""
    windows, maps, positions = np.meshgrid(
        np.arange(n_windows), np.arange(n_maps), np.arange(n_positions), indexing="ij"
    )
    return windows + 1000.0 * maps + 0.1 * positions


def make_scores():
    scores = np.linspace(0.0, 2.0, 100)
    scores[:29] = np.nan
    return scores


def find(axes, label):
    """Return the only artist of the axes that carries this label."""
    found = [artist for artist in axes.get_children() if artist.get_label() == label]
    assert len(found) == 1
    return found[0]


def legend_texts(legend):
    return [text.get_text() for text in legend.get_texts()]
