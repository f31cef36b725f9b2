"""Building an ONNX graph node by node: constants, moving sums over rows, windows.

Tensors of rows are (batch, rows, features). A moving sum or a slice shortens the second axis, so
that entry w of what is left belongs to the window that starts at row w.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dccad.support.extras import require

OPSET, IR_VERSION = 17, 8
"""What ONNX Runtime 1.12 (2022) and newer read."""

Value: TypeAlias = "str | NDArray[Any] | np.generic"
"""A tensor of the graph by its name, or a constant."""

TO_THE_END = np.iinfo(np.int64).max


class Graph:
    """Nodes and constants in the order in which they were added.

    Examples
    --------
    >>> graph = Graph()
    >>> total = graph.moving_sum("rows", 3)              # of each row and the two before it
    >>> [node.op_type for node in graph.nodes]
    ['Slice', 'Slice', 'Slice', 'Add', 'Slice', 'Add']
    """

    def __init__(self) -> None:
        onnx = require("onnx", extra="onnx")
        self._helper, self._to_tensor = onnx.helper, onnx.numpy_helper.from_array
        self._types = {
            np.float32: onnx.TensorProto.FLOAT,
            np.float64: onnx.TensorProto.DOUBLE,
            np.int64: onnx.TensorProto.INT64,
        }
        self.nodes: list[Any] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Any] = {}

    def add(self, operator: str, *inputs: Value, **attributes: Any) -> str:
        """Add a node; give the name of its output."""
        names = [self.constant(value) if not isinstance(value, str) else value for value in inputs]
        output = f"{operator.lower()}_{len(self.nodes)}"
        self.nodes.append(self._helper.make_node(operator, names, [output], output, **attributes))
        return output

    def constant(self, value: NDArray[Any] | np.generic) -> str:
        """Name of a stored tensor; equal ones are stored once."""
        array = np.ascontiguousarray(value).reshape(np.shape(value))
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._constants[key] = self._to_tensor(array, name)
        return str(self._constants[key].name)

    def name(self, value: str, output: str) -> None:
        """Give a tensor the name of an output of the graph."""
        self.nodes.append(self._helper.make_node("Identity", [value], [output], output))

    def cast(self, value: str, kind: type[np.generic]) -> str:
        """The same numbers in another type."""
        return self.add("Cast", value, to=self._types[kind])

    def double(self, value: str) -> str:
        """The same numbers in double precision."""
        return self.cast(value, np.float64)

    def cut(self, value: str, start: int, drop: int, axis: int = 1) -> str:
        """Leave out the first ``start`` and the last ``drop`` entries of an axis."""
        if not start and not drop:
            return value
        ends = (start, -drop if drop else TO_THE_END, axis)
        return self.add("Slice", value, *(np.array([end], dtype=np.int64) for end in ends))

    def take(self, value: str, indices: Any, axis: int = 2) -> str:
        """Some entries of an axis, in the order of the indices."""
        return self.add("Gather", value, np.asarray(indices, dtype=np.int64), axis=axis)

    def moving_sum(self, value: str, length: int) -> str:
        """Sum of ``length`` consecutive rows, by doubling.

        Each sum holds its own rows and no others, unlike differences of a running total, in which
        one broken value would spoil the digits of all rows behind it.
        """
        total, offset, width = "", 0, 1
        while True:
            if length & width:
                part = self.cut(value, offset, length - width - offset)
                total = self.add("Add", total, part) if total else part
                offset += width
            if offset == length:
                return total
            value = self.add("Add", self.cut(value, 0, width), self.cut(value, width, 0))
            width *= 2

    def moving_mean(self, value: str, length: int, last: int | None = None) -> str:
        """Mean of ``length`` consecutive rows, or of the ``last`` of them; float64."""
        count = length if last is None else last
        total = self.cut(self.moving_sum(value, count), length - count, 0)
        return self.add("Div", total, np.float64(count))

    def windows(self, rows: str, length: int) -> str:
        """Windows (batch × windows, features, length) of rows (batch, rows, features)."""
        count = self.add("Squeeze", self.count_windows(rows, length))
        starts = self.add("Range", np.int64(0), count, np.int64(1))
        starts = self.add("Unsqueeze", starts, np.array([1], dtype=np.int64))
        places = self.add("Add", starts, np.arange(length, dtype=np.int64))
        found = self.add("Transpose", self.add("Gather", rows, places, axis=1), perm=[0, 1, 3, 2])
        shape = self.add("Shape", found, start=2)
        return self.add(
            "Reshape", found, self.add("Concat", np.array([-1], dtype=np.int64), shape, axis=0)
        )

    def count_windows(self, rows: str, length: int) -> str:
        """Windows of each entry of the batch, shape (1,)."""
        return self.add("Sub", self.add("Shape", rows, start=1, end=2), np.int64(length - 1))

    def unfold(self, values: str, rows: str, length: int) -> str:
        """Values (batch × windows, ...) of :meth:`windows` as (batch, windows, features)."""
        batch = self.add("Shape", rows, start=0, end=1)
        counts = self.count_windows(rows, length)
        rest = np.array([-1], dtype=np.int64)
        return self.add("Reshape", values, self.add("Concat", batch, counts, rest, axis=0))

    def finish(self, inputs: dict[str, list[Any]], outputs: dict[str, tuple[Any, Any]]) -> Any:
        """The model: inputs (float64) with their shapes, outputs with their types and shapes."""
        helper = self._helper
        graph = helper.make_graph(
            self.nodes,
            "dccad",
            [
                helper.make_tensor_value_info(name, self._types[np.float64], shape)
                for name, shape in inputs.items()
            ],
            [
                helper.make_tensor_value_info(name, self._types[kind], shape)
                for name, (kind, shape) in outputs.items()
            ],
            list(self._constants.values()),
        )
        opset = helper.make_opsetid("", OPSET)
        return helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION)
