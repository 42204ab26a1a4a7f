"""Processes of all kinds under one supervisor: groups, gentle stops, turns, and answers that are not to be believed."""

import os
import struct
import subprocess
import sys
import threading
import time
from functools import partial

import pytest

from bvae.runs import isolated_process, supervisor
from bvae.runs.supervisor import Child, ComputationError, Pool, Process, in_turn

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and process groups are those of Unix")

PARENT = """
import signal, subprocess, sys, time
if "deaf" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
print(child.pid, flush=True)
time.sleep(3600)
"""


def running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return file.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


def until(wanted, patience=60):
    deadline = time.monotonic() + patience
    while not wanted():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return True


def parent(tmp_path, *words):
    """A process that has started another, and that one's number."""
    log = tmp_path / "log"
    process = Process([sys.executable, "-c", PARENT, *words], threads=1, log=log)
    until(lambda: log.read_text().endswith("\n"))
    return process, int(log.read_text())


def test_a_process_takes_with_it_what_it_has_started(tmp_path):
    process, grandchild = parent(tmp_path)
    assert os.getpgid(process.pid) == process.pid
    assert os.getpgid(grandchild) == process.pid
    process.close()
    assert process.code == -9
    assert not process.alive
    until(lambda: not running(grandchild))


def test_it_is_asked_before_it_is_killed(tmp_path):
    process, grandchild = parent(tmp_path)
    process.ask()
    assert process.wait(60) == -15
    os.kill(grandchild, 9)
    (tmp_path / "log").unlink()
    deaf, grandchild = parent(tmp_path, "deaf")
    deaf.ask()
    start = time.monotonic()
    assert deaf.wait(0.5) == -9
    assert time.monotonic() - start >= 0.5
    until(lambda: not running(grandchild))


def test_in_turn_and_left_early(tmp_path):
    def start(seconds):
        return partial(Process, [sys.executable, "-c", f"import time; time.sleep({seconds})"], log=tmp_path / "log")

    events = list(in_turn({"a": start(0), "b": start(0), "c": start(0)}, 2))
    assert events[:2] == [("a", None), ("b", None)]
    assert sorted(events[2:], key=str) == sorted([("a", 0), ("b", 0), ("c", None), ("c", 0)], key=str)
    assert events.index(("c", None)) > min(events.index(("a", 0)), events.index(("b", 0)))
    started = []

    def remembered(seconds):
        started.append(start(seconds)())
        return started[-1]

    for _ in in_turn({name: partial(remembered, 3600) for name in "abc"}, 2):
        if len(started) == 2:
            break
    assert [p.code for p in started] == [-15, -15]


@pytest.mark.parametrize("said", [
    b"x" * 100,  # a length that is none
    struct.pack("<Q", 4) + b"[1,2",
    struct.pack("<Q", 2) + b"[]",
    struct.pack("<Q", 21) + b'{"form":3,"arrays":0}',
    struct.pack("<Q", 100_000) + b"[" * 100_000,  # deeper than Python reads
    *(struct.pack("<Q", len(text)) + text for text in (
        b'{"form": {"dict": {"steps": [1]}}, "arrays": []}',
        b'{"form": {"array": 7}, "arrays": []}',
        b'{"form": [1], "arrays": []}',
        b'{"form": null, "arrays": [["<f8", [1000000000000]]]}',  # more than we would take
        b'{"form": null, "arrays": [["<f8", [-8]]]}',
        b'{"form": null, "arrays": [["|O8", [1]]]}')),
])
def test_an_answer_that_is_none_is_a_sentence_and_ends_the_process(said, tmp_path, monkeypatch):
    """As of a process in which a visitor's data have overwritten what they should not."""
    liar = tmp_path / "liar.py"
    liar.write_text(f"import sys, time\nsys.stdout.buffer.write({said!r})\nsys.stdout.flush()\ntime.sleep(3600)\n")
    monkeypatch.setattr(supervisor, "CHILD", liar)
    child = Child()
    with pytest.raises(ComputationError, match=r"The process that computed this .*\.$"):
        child.call("pca", [], 60)
    assert not child.alive
    assert child.code == -9


def test_what_is_interrupted_here_leaves_no_answer_to_the_next():
    pool = Pool(most=1, for_tests=True)
    try:
        first = pool.call("process")[0]
        real, seen = isolated_process.receive, []

        def interrupted(*arguments):
            if not seen:
                seen.append(True)
                raise KeyboardInterrupt
            return real(*arguments)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(supervisor, "receive", interrupted)
            with pytest.raises(KeyboardInterrupt):
                pool.call("sleep", 0.0)
        assert pool.call("process")[0] != first
    finally:
        pool.close()


def test_a_watched_task_is_stopped_and_its_place_is_free():
    pool = Pool(most=1, warm=False, for_tests=True)
    task = pool.begin("never", limit=60, steps=10)
    assert pool.begin("never", limit=60, steps=10) is None
    until(lambda: task.share == 0.5)
    assert running(task.pid)
    stops = [threading.Thread(target=task.stop) for _ in range(3)]
    for thread in stops:
        thread.start()
    for thread in stops:
        thread.join(60)
    assert (task.state, task.result, task.why) == ("stopped", None, "")
    assert not running(task.pid)
    assert pool.processes() == []
    other = pool.begin("never", limit=0.5, steps=10)
    assert other.wait(60) == "failed"
    assert "took longer than the 0.5 seconds" in other.why
    assert pool.processes() == []


def test_a_process_ends_when_the_one_that_started_it_is_killed():
    code = ("import time; from bvae.runs.supervisor import Pool\n"
            "task = Pool(for_tests=True).begin('never', limit=3600, steps=1); print(task.pid, flush=True)\n"
            "time.sleep(3600)")
    starter = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(starter.stdout.readline())
    assert running(pid)
    starter.kill()
    starter.wait()
    starter.stdout.close()
    until(lambda: not running(pid))
