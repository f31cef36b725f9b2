"""A fitted detector as one ONNX file, and scoring with it where no torch is installed.

Names are imported on first use, so that scoring loads only what it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dccad.support.lazy import lazy_names

if TYPE_CHECKING:
    from dccad.onnx.export import export_onnx
    from dccad.onnx.scoring import OnnxDetector, load_onnx

__all__ = ["OnnxDetector", "export_onnx", "load_onnx"]

_HOME = {
    "OnnxDetector": "dccad.onnx.scoring",
    "export_onnx": "dccad.onnx.export",
    "load_onnx": "dccad.onnx.scoring",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME)
