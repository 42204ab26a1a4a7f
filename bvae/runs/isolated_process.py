"""The process in which `bvae.runs.isolated` computes: ``python -P isolated_process.py``.

It reads calls from its standard input and writes answers to its standard output, until its input ends; then it ends,
whatever it is at. A message is eight bytes of length, a header in JSON, and the bytes of the arrays that the header
describes: nothing is unpickled. Before the answer to a call that is watched come messages of how many steps are done.
It does not import PyTorch, so that it is there at once, and no more of bvae than it is asked for.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import math
import os
import queue
import signal
import struct
import sys
import threading
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

try:
    import resource
except ImportError:  # Windows: no limit of memory there, only of time
    resource = None  # type: ignore[assignment]

CHILD = Path(__file__).resolve()
MEMORY = 2 * 1024**3
"""Bytes that a computation may take beyond what the process has at its start."""
GRACE = 5.0
"""Seconds after its time is over in which the other side should have ended it; then it ends itself."""
ALONE, OUT_OF_TIME, OUT_OF_MEMORY = 3, 4, 5
"""Exit statuses: the other side has gone, has not ended it in time, or has sent more than there is memory for."""
MAX_HEADER = 1024**2
HEAD = struct.Struct("<Q")
FUNCTIONS = {
    "pca": "bvae.maps.projections", "tsne": "bvae.maps.projections", "procrustes": "bvae.maps.alignment",
    "neighbours": "bvae.maps.alignment", "linked": "bvae.maps.alignment", "gaps": "bvae.maps.alignment",
    "modality_gap": "bvae.maps.modality_gap", "prepare": "bvae.maps.alignment",
    "read_all": "bvae.runs.reading",
}
"""What can be asked for, and the module in which it is."""

ADVICE = "nothing else is affected; try it again, with fewer items or another map"
OUT_OF_MEMORY_SAYS = (f"The computation needed more than the {MEMORY // 1024**3} GB of memory that it may take, and "
                      f"was ended: {ADVICE}.")


def how_it_ended(late: bool, code: int | None, limit: float) -> str:
    """A sentence about a process that gave no answer."""
    if late or code == OUT_OF_TIME:
        return f"The computation took longer than the {limit:g} seconds that it may take, and was ended: {ADVICE}."
    if code == OUT_OF_MEMORY:
        return OUT_OF_MEMORY_SAYS
    if code is not None and code < 0 and -code == getattr(signal, "SIGKILL", 9):
        return f"The process that computed this was killed from outside: {ADVICE}."
    if code is not None and code < 0:
        return f"The process that computed this crashed (signal {-code}): {ADVICE}."
    return f"The process that computed this ended before it was done (exit status {code}): {ADVICE}."


# -- messages --------------------------------------------------------------------------------------------------------


def send(to: BinaryIO, value: Any) -> None:
    """Write a message: numbers, texts, None, arrays of numbers, and lists, tuples and dictionaries of these."""
    arrays: list[np.ndarray] = []
    form = _form(value, arrays)
    header = json.dumps({"form": form, "arrays": [[a.dtype.str, a.shape] for a in arrays]}).encode()
    to.write(HEAD.pack(len(header)) + header)
    for array in arrays:
        to.write(array.tobytes())
    to.flush()


def receive(of: BinaryIO, largest: float = np.inf) -> Any:
    """Read a message; tuples come back as lists.

    Raises EOFError where there is none any more, not the whole, or one whose arrays have more than `largest` bytes.
    """
    (length,) = HEAD.unpack(_exactly(of, HEAD.size))
    if length > MAX_HEADER:
        raise EOFError("no message")
    content, arrays = _exactly(of, length), []
    try:
        header = json.loads(content)
        described = [(np.dtype(descr), [int(n) for n in shape]) for descr, shape in header["arrays"]]
        sizes = [dtype.itemsize * math.prod(shape) for dtype, shape in described]
        if any(dtype.hasobject for dtype, _ in described) or min([0, *sizes]) < 0 or sum(sizes) > largest:
            raise EOFError("no message")
        for (dtype, shape), size in zip(described, sizes, strict=True):
            arrays.append(np.frombuffer(_exactly(of, size), dtype).reshape(shape))
        return _value(header["form"], arrays)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise EOFError("no message") from error


def _form(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind not in "fiub":
            raise TypeError(f"value: expected arrays of numbers, got dtype {value.dtype}")
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, (list, tuple)):
        return [_form(v, arrays) for v in value]
    if isinstance(value, dict):
        return {"dict": {k: _form(v, arrays) for k, v in value.items()}}
    return value.item() if isinstance(value, np.generic) else value


def _value(form: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(form, list):
        return [_value(v, arrays) for v in form]
    if isinstance(form, dict):
        return arrays[form["array"]] if "array" in form else {k: _value(v, arrays) for k, v in form["dict"].items()}
    return form


def _exactly(of: BinaryIO, count: int) -> bytearray:
    raw = bytearray(count)
    view, got = memoryview(raw), 0
    while got < count:
        n = of.readinto(view[got:])  # type: ignore[attr-defined]
        if not n:
            raise EOFError("the other side has gone")
        got += n
    return raw


# -- the process -----------------------------------------------------------------------------------------------------


def limit_memory(extra: int = MEMORY) -> None:
    """Let the process allocate so many bytes more than it has now, where the system can see to that."""
    if resource is None:
        return
    with contextlib.suppress(OSError):  # where the machine itself runs out of memory, this process goes and no other
        Path("/proc/self/oom_score_adj").write_bytes(b"1000")
    try:
        fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines())
        used = int(fields["VmData"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):  # not Linux
        used = 0
    try:
        hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = used + extra if hard == resource.RLIM_INFINITY else min(used + extra, hard)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    except (OSError, ValueError, AttributeError):  # a system without this limit
        return


def without_torch() -> None:
    """Let modules of bvae be imported without `bvae/__init__.py`, which imports PyTorch."""
    if "bvae" not in sys.modules:
        package = types.ModuleType("bvae")
        package.__path__ = [str(Path(__file__).resolve().parents[1])]
        sys.modules["bvae"] = package


def function(name: str, for_tests: bool = False) -> Callable[..., Any]:
    """What is called so; KeyError for anything else."""
    if for_tests and name in TESTS:
        return TESTS[name]
    return getattr(importlib.import_module(FUNCTIONS[name]), name)


def serve(calls: BinaryIO, answers: BinaryIO, for_tests: bool = False) -> None:
    """Answer calls until there are no more."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    busy = threading.Event()

    def read() -> None:
        while True:
            try:
                call = receive(calls)
                busy.set()
                waiting.put(call)
            except EOFError:  # the other side has closed it, or has died
                if busy.is_set():
                    os._exit(ALONE)
                waiting.put(None)
                return
            except MemoryError:
                os._exit(OUT_OF_MEMORY)

    threading.Thread(target=read, daemon=True).start()
    while (call := waiting.get()) is not None:
        last = threading.Timer(call["limit"] + GRACE, os._exit, args=(OUT_OF_TIME,))  # as the other side should have
        last.daemon = True
        last.start()
        options = {"watch": lambda steps: send(answers, {"steps": steps})} if call.get("watched") else {}
        try:
            answer = {"result": function(call["function"], for_tests)(*call["arguments"], **options)}
        except MemoryError:
            answer = {"error": "memory", "says": ""}
        except Exception as error:
            answer = {"error": "refused" if isinstance(error, ValueError) else "failed",
                      "says": str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"}
        last.cancel()
        busy.clear()
        send(answers, answer)


def main(arguments: list[str]) -> None:
    """Serve."""
    without_torch()
    for_tests = "--for-tests" in arguments
    limit_memory(MEMORY // 4 if for_tests else MEMORY)  # sooner filled
    calls, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    quiet = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1):  # whatever a library prints is no answer
        os.dup2(quiet, number)
    serve(calls, answers, for_tests=for_tests)


# -- what tests let it do --------------------------------------------------------------------------------------------


def _segmentation_fault() -> None:
    import ctypes

    ctypes.string_at(0)


def _fill_memory() -> int:
    taken = []
    while True:
        taken.append(np.ones(32 * 1024**2 // 8))


def _process() -> list[Any]:
    return [os.getpid(), "torch" in sys.modules, sorted(m for m in sys.modules if m.startswith("bvae"))]


def _never(watch: Callable[[int], None]) -> None:
    for steps in range(6):
        watch(steps)
    time.sleep(3600)


def _nonsense() -> None:
    print("nothing that anybody asked for", flush=True)
    os.write(1, b"x" * 100)


TESTS: dict[str, Callable[..., Any]] = {
    "abort": os.abort, "segmentation_fault": _segmentation_fault, "fill_memory": _fill_memory, "sleep": time.sleep,
    "process": _process, "nonsense": _nonsense, "never": _never, "exit": lambda code, watch=None: os._exit(code),
}

if __name__ == "__main__":
    main(sys.argv[1:])
