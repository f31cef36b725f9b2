"""Results do not depend on threads, and the caller's number of threads comes back."""

import multiprocessing
import os
import threading

import pytest
import torch

from dccad.errors import InputError
from dccad.support import threads
from dccad.support.threads import map_in_threads, one_thread


@pytest.fixture
def two_threads():
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_inside_there_is_one_thread_and_afterwards_the_earlier_number(two_threads):
    with one_thread():
        assert torch.get_num_threads() == 1
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("most", [None, 1, 2, 9])
def test_results_come_in_the_order_of_the_items(two_threads, most):
    items = [torch.arange(float(n)) for n in (3, 0, 5, 1)]
    found = list(map_in_threads(lambda item: float(item.sum()), items, most))
    assert found == [3.0, 0.0, 10.0, 0.0]
    assert torch.get_num_threads() == 2


def test_every_thread_computes_alone(two_threads):
    waiting = threading.Barrier(2, timeout=20)  # only two threads at once come past it

    def look(_):
        waiting.wait()
        return threading.current_thread().name, torch.get_num_threads()

    found = list(map_in_threads(look, [0, 1]))
    assert len({name for name, _ in found}) == 2
    assert [number for _, number in found] == [1, 1]


def test_a_thread_that_the_caller_starts_later_has_the_callers_number(two_threads):
    threads._pool.cache_clear()  # new threads set their number of threads last
    list(map_in_threads(lambda item: item, [0, 1]))
    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert found == [2]


def test_an_error_of_one_item_reaches_the_caller_and_the_setting_comes_back(two_threads):
    with pytest.raises(ZeroDivisionError):
        list(map_in_threads(lambda item: 1 / item, [1, 0, 2]))
    assert torch.get_num_threads() == 2


def test_no_item_is_no_result():
    assert list(map_in_threads(lambda item: item, [])) == []


def test_what_goes_wrong_on_a_thread_reaches_the_caller():
    torch.set_num_threads(2)
    seen = []

    def fail(item):
        seen.append((item, torch.get_num_threads()))
        if item == 2:
            raise InputError("row 2")
        return item

    with pytest.raises(InputError, match="row 2"):
        list(map_in_threads(fail, [1, 2, 3]))
    assert {threads for _, threads in seen} == {1}


def test_threads_keep_to_one_each_and_leave_the_setting_of_later_ones():
    threads._pool.cache_clear()
    torch.set_num_threads(2)
    list(map_in_threads(abs, [-1, -2, -3]))  # nothing of torch: a thread might not have begun
    torch.set_num_threads(2)
    assert set(map_in_threads(lambda _: torch.get_num_threads(), [1, 2, 3])) == {1}
    later = []
    other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert later == [2]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_scores_on_threads_of_its_own():
    torch.set_num_threads(2)
    assert list(map_in_threads(abs, [-1, -2, -3])) == [1, 2, 3]
    child = multiprocessing.get_context("fork").Process(target=_map_or_fail)
    child.start()
    child.join(20)
    child.kill()
    assert child.exitcode == 0


def _map_or_fail():
    os._exit(0 if list(map_in_threads(abs, [-1, -2, -3])) == [1, 2, 3] else 1)
