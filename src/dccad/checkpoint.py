"""What a fit has finished so far, on disk, so that a killed one goes on to the same model.

States are dictionaries of tensors, numbers and text. They are read with ``weights_only=True``:
reading a checkpoint runs nothing.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from dccad.pieces import PieceFolder
from dccad.runs import Run

SECONDS = 2.0
"""Between two writings, at least. What takes less than that is not worth a file: a short fit makes
no checkpoint at all."""


class Checkpoint:
    """States of one fit under names.

    Parameters
    ----------
    folder : str or Path
        Made when there is something to keep.
    identity : mapping of str to JSON values
        What the fit depends on.

    Raises
    ------
    InputError
        The folder holds a checkpoint of another fit, or something else.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     first = Checkpoint(Path(parent, "fit"), {"seed": 0})
    ...     first.keep("epoch", {"number": 3, "weights": torch.ones(2)})
    ...     first.write()
    ...     Checkpoint(Path(parent, "fit"), {"seed": 0}).load("epoch")
    {'number': 3, 'weights': tensor([1., 1.])}
    """

    def __init__(self, folder: str | Path, identity: Mapping[str, Any]) -> None:
        self.folder, self.identity = Path(folder), dict(identity)
        self._pieces: PieceFolder | None = None
        self._kept: dict[str, Mapping[str, Any]] = {}
        self._written = monotonic()
        if self.folder.exists():
            self._open()

    def _open(self) -> PieceFolder:
        if self._pieces is None:
            self._pieces = PieceFolder(self.folder, self.identity, resume=True)
        return self._pieces

    @property
    def due(self) -> bool:
        """Whether the last writing is ``SECONDS`` ago."""
        return monotonic() - self._written >= SECONDS

    def keep(self, name: str, state: Mapping[str, Any]) -> None:
        """Take a state to be written; it must not change until then."""
        self._kept[name] = state

    def write(self) -> None:
        """Write what is kept, in the order in which it came; each state whole or not at all."""
        pieces = self._open()
        for name, state in self._kept.items():
            content = io.BytesIO()
            torch.save(dict(state), content)
            pieces.put(name, content.getvalue())
        self._kept = {}
        self._written = monotonic()

    def __contains__(self, name: str) -> bool:
        return name in self._kept or (self._pieces is not None and name in self._pieces)

    def load(self, name: str, device: torch.device | None = None) -> dict[str, Any] | None:
        """A state that was written; None where there is none, or a damaged one."""
        content = None if self._pieces is None else self._pieces.get(name)
        if content is None:
            return None
        return dict(torch.load(io.BytesIO(content), map_location=device, weights_only=True))

    def drop(self, name: str) -> None:
        """Remove a state."""
        if self._pieces is not None:
            self._pieces.drop(name)

    def remove(self) -> None:
        """Remove the folder."""
        if self._pieces is not None:
            self._pieces.remove()


class KeptFolds:
    """Fits of a cross-fitting, each made once; what they scored is kept by their number.

    Parameters
    ----------
    fit_and_score : callable
        As in :func:`dccad.cross_fitting.cross_fit`; deterministic.
    checkpoint : Checkpoint
    """

    def __init__(self, fit_and_score: Any, checkpoint: Checkpoint) -> None:
        self.fit_and_score, self.checkpoint = fit_and_score, checkpoint
        self.number = 0

    def __call__(self, training: list[Run], held_out: list[Run]) -> Sequence[NDArray[np.float64]]:
        """Scores of the held-out rows, from the checkpoint where it has them."""
        name = f"fold-{self.number:02d}"
        self.number += 1
        known = self.checkpoint.load(name)
        if known is not None:
            return [tensor.numpy() for tensor in known["scores"]]
        scores: Sequence[NDArray[np.float64]] = self.fit_and_score(training, held_out)
        self.checkpoint.keep(name, {"scores": [torch.from_numpy(part.copy()) for part in scores]})
        if self.checkpoint.due:
            self.checkpoint.write()
        return scores


def remove(folder: str | Path) -> None:
    """Remove a checkpoint whose fit is finished and saved; nothing happens where there is none.

    Examples
    --------
    >>> remove("no-such-folder")
    """
    if Path(folder).exists():
        PieceFolder.of(Path(folder)).remove()


def beside(output: Path) -> Path:
    """Folder of the checkpoint of a fit that writes this model folder.

    Examples
    --------
    >>> beside(Path("models/plant")).as_posix()
    'models/plant.checkpoint'
    """
    named = output if output.name else output.resolve()  # "." has no name
    return named.with_name(f"{named.name}.checkpoint")
