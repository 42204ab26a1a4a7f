"""Computations in a process of their own: killed, crashed, out of memory or of time, and only they fail."""

import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from bvae.maps import alignment, modality_gap, projections
from bvae.runs import isolated, isolated_process, supervisor
from bvae.runs.supervisor import ComputationError, Pool

POINTS = np.random.default_rng(0).normal(size=(60, 5))


@pytest.fixture
def pool():
    """Two processes that can be asked to die."""
    own = Pool(for_tests=True)
    yield own
    own.close()


def works(pool):
    """It computes as if nothing had been."""
    coordinates, shares = pool.call("pca", POINTS)
    wanted = projections.pca(POINTS)
    np.testing.assert_array_equal(coordinates, wanted[0])
    np.testing.assert_array_equal(shares, wanted[1])
    return True


def test_the_same_results_as_without():
    np.testing.assert_array_equal(isolated.pca(POINTS)[0], projections.pca(POINTS)[0])
    np.testing.assert_array_equal(isolated.tsne(POINTS, 10, 3), projections.tsne(POINTS, 10, 3))
    np.testing.assert_array_equal(isolated.neighbours(POINTS, 4), alignment.neighbours(POINTS, 4))
    here, there = alignment.procrustes(POINTS, POINTS[::-1]), isolated.procrustes(POINTS, POINTS[::-1])
    np.testing.assert_array_equal(there.points, here.points)
    assert there[1:] == here[1:]
    for ours, theirs in zip(isolated.linked([POINTS, POINTS[:, :2]], [POINTS[:, :2], POINTS[:, 2:4]], 5),
                            alignment.linked([POINTS, POINTS[:, :2]], [POINTS[:, :2], POINTS[:, 2:4]], 5), strict=True):
        np.testing.assert_array_equal(ours.aligned.points, theirs.aligned.points)
        np.testing.assert_array_equal(ours.changed, theirs.changed)
    clouds = [POINTS, POINTS + 1, np.zeros((0, 5))]
    np.testing.assert_array_equal(isolated.gaps(clouds), alignment.gaps(clouds))
    own, other = modality_gap.modality_gap(clouds[:2]), isolated.modality_gap(clouds[:2])
    np.testing.assert_array_equal(own.distances, other.distances)
    assert own[1:] == other[1:]


def test_the_process_is_another_one_stays_warm_and_has_no_torch(pool):
    works(pool)
    pid, has_torch, modules = pool.call("process")
    assert pid != os.getpid()
    assert pool.processes() == [pid]
    assert not has_torch
    assert "bvae.maps.projections" in modules
    pool.call("prepare")
    assert pool.call("process")[0] == pid


ENDS = {
    "abort": ((), 20.0, f"crashed (signal {int(signal.SIGABRT)})"),
    "segmentation_fault": ((), 20.0, f"crashed (signal {int(signal.SIGSEGV)})"),
    "fill_memory": ((), 120.0, "needed more than the 2 GB of memory"),
    "sleep": ((60,), 0.3, "took longer than the 0.3 seconds"),
    "exit": ((3,), 20.0, "ended before it was done (exit status 3)"),
}


@pytest.mark.skipif(os.name == "nt", reason="signals and limits of memory are those of Unix")
@pytest.mark.parametrize("way", ENDS)
def test_every_way_to_die_is_one_sentence_and_another_session_works_on(pool, way):
    arguments, limit, says = ENDS[way]
    works(pool)
    failures = []

    def visitor():
        try:
            pool.call(way, *arguments, limit=limit)
        except ComputationError as error:
            failures.append(str(error))

    session = threading.Thread(target=visitor)
    session.start()
    while session.is_alive():  # meanwhile, and not only after
        assert works(pool)
    session.join()
    assert len(failures) == 1
    assert says in failures[0]
    assert failures[0].endswith(".")
    assert "\n" not in failures[0]
    assert works(pool)
    assert len(pool.processes()) <= supervisor.MOST_AT_ONCE


@pytest.mark.skipif(os.name == "nt", reason="there is no such signal")
def test_killed_while_it_computes_and_while_it_waits(pool):
    pid = pool.call("process")[0]
    failures = []

    def visitor():
        with pytest.raises(ComputationError) as caught:
            pool.call("sleep", 60)
        failures.append(str(caught.value))

    session = threading.Thread(target=visitor)
    session.start()
    while not pool._at_work:
        pass
    os.kill(pid, signal.SIGKILL)
    session.join(60)
    assert "killed from outside" in failures[0]
    idle = pool.call("process")[0]
    assert idle != pid
    os.kill(idle, signal.SIGKILL)
    pool._idle[0].wait()
    assert works(pool)  # nobody was waiting for it: nobody need know
    assert idle not in pool.processes()


def test_who_comes_later_is_served_in_turn():
    pool = Pool(most=1, for_tests=True)
    try:
        pool.call("process")
        order, started = [], threading.Event()

        def visitor(number):
            if number == 0:
                started.set()
            pool.call("sleep", 0.5 if number == 0 else 0.0)
            order.append(number)

        sessions = [threading.Thread(target=visitor, args=(k,)) for k in range(4)]
        sessions[0].start()
        started.wait()
        for number, session in enumerate(sessions[1:], 1):
            while len(pool._waiting) < number - 1 or not pool._at_work:
                pass
            session.start()
        for session in sessions:
            session.join(60)
        assert order == [0, 1, 2, 3]
        assert len(pool.processes()) == 1
    finally:
        pool.close()


def test_who_waits_too_long_is_told():
    pool = Pool(most=1, for_tests=True)
    try:
        long = threading.Thread(target=lambda: pool.call("sleep", 2))
        long.start()
        while not pool._at_work:
            pass
        with pytest.raises(ComputationError, match="did not get its turn: try again"):
            pool.call("pca", POINTS, patience=0.05)
        long.join(60)
        assert works(pool)
    finally:
        pool.close()


def test_what_is_refused_is_said_and_the_process_stays(pool):
    pid = pool.call("process")[0]
    with pytest.raises(ComputationError, match="cannot be computed: points.*got nan at point 3"):
        pool.call("pca", np.where(np.arange(300).reshape(60, 5) == 16, np.nan, POINTS))
    assert pool.call("process")[0] == pid
    with pytest.raises(ComputationError, match="KeyError"):
        pool.call("os.system", "true")
    with pytest.raises(TypeError, match="expected arrays of numbers, got dtype object"):
        pool.call("pca", np.array([{}]))
    assert works(pool)


def test_what_a_library_prints_is_no_answer(pool):
    assert pool.call("nonsense") is None
    assert works(pool)


def test_the_process_ends_when_nobody_is_left():
    child = subprocess.Popen([sys.executable, "-P", str(isolated_process.CHILD)], stdin=subprocess.PIPE,
                             stdout=subprocess.PIPE)
    isolated_process.send(child.stdin, {"function": "pca", "arguments": [POINTS], "limit": 60.0})
    assert isolated_process.receive(child.stdout)["result"][0].shape == (60, 2)
    child.stdin.close()
    assert child.wait(60) == 0
    child.stdout.close()


def test_messages_hold_numbers_and_nothing_that_is_executed(tmp_path):
    value = {"a": [1, 2.5, None, "text"], "b": np.arange(6, dtype=">i2").reshape(2, 3), "c": (np.zeros((0, 4)), True)}
    path = tmp_path / "message"
    with open(path, "wb") as file:
        isolated_process.send(file, value)
    with open(path, "rb", buffering=0) as file:
        back = isolated_process.receive(file)
    assert back["a"] == value["a"]
    np.testing.assert_array_equal(back["b"], value["b"])
    assert back["c"][0].shape == (0, 4)
    content = path.read_bytes()
    for wrong in (content[:5], content[:-1], content.replace(b">i2", b"|O8"), b"\xff" * 8 + content[8:]):
        path.write_bytes(wrong)
        with open(path, "rb") as file, pytest.raises(EOFError):
            isolated_process.receive(file)


def test_without_the_limits_of_unix_it_computes_too(monkeypatch):
    monkeypatch.setattr(isolated_process, "resource", None)
    assert isolated_process.limit_memory() is None
