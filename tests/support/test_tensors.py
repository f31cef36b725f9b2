"""Devices that cannot be used are refused; arrays do not share memory with tensors."""

import numpy as np
import pytest
import torch

from dccad.errors import ParameterError
from dccad.support.tensors import resolve_device, to_array


@pytest.mark.parametrize(("present", "kind"), [(False, "cpu"), (True, "cuda")])
def test_auto_takes_cuda_where_there_is_one(monkeypatch, present, kind):
    monkeypatch.setattr("torch.cuda.is_available", lambda: present)
    monkeypatch.setattr("torch.empty", lambda *_, **__: None)  # whether or not it is here
    assert resolve_device("auto") == torch.device(kind)


@pytest.mark.parametrize("device", ["gpu", "cuda:77", ""])
def test_a_device_that_cannot_be_used_is_named_with_one_that_can(device):
    with pytest.raises(ParameterError, match=f"device='{device}' cannot be used here .*'cpu'"):
        resolve_device(device)


def test_an_array_is_a_copy_of_the_tensor_without_its_gradient():
    tensor = torch.tensor([1.5, -2.0], requires_grad=True)
    array = to_array(tensor)
    array[0] = 7.0
    assert tensor.tolist() == [1.5, -2.0]
    np.testing.assert_array_equal(array, np.array([7.0, -2.0], dtype=np.float32))
    assert array.dtype == np.float32
