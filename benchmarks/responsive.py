"""Does training slow the app down? ``python -m benchmarks.responsive``.

A run is started as the page Train does it. Then the same interactions with the page Explore are timed in turn while
the run's process is held (SIGSTOP) and while it trains (SIGCONT): pairs of neighbours in time, so that whatever else
the machine does hits both. The figure is the median of the pairs' ratios. Needs a Unix.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import tempfile
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from bvae.io.locking import holder
from bvae.io.storage import write_json
from bvae.runs import jobs, queue
from bvae.training import Settings


def interaction(app: AppTest, k: int) -> float:
    """Seconds of one change on Explore: another item and another set of views, with their generations."""
    app.number_input(key="item").set_value(k)
    app.pills(key="views").set_value(["m0", "m1", "m2", "m3"][: 1 + k % 4])
    started = time.perf_counter()
    app.run()
    seconds = time.perf_counter() - started
    assert not app.exception
    return seconds


def measure(pairs: int) -> dict[str, float | int]:
    """See the module."""
    app = AppTest.from_file("../app.py", default_timeout=120).run()
    app.switch_page("pages/explore.py").run()
    job = queue.submit("measured", Settings.for_method("polymnist", "mwb-vae", steps=20_000))
    while jobs.find(job.id).step < 3:
        time.sleep(0.2)
    worker = holder(job.folder)["pid"]
    for k in range(3):
        interaction(app, k)  # warm
    before = jobs.find(job.id).step
    idle, training = [], []
    try:
        for k in range(pairs):
            order = [(signal.SIGSTOP, idle), (signal.SIGCONT, training)]
            for number, times in order if k % 2 else reversed(order):
                os.kill(worker, number)
                time.sleep(0.3)
                times.append(interaction(app, 10 + 2 * k + len(times) % 2))
        time.sleep(1.5)
        steps = jobs.find(job.id).step - before
    finally:
        os.kill(worker, signal.SIGKILL)
    ratios = [t / i for t, i in zip(training, idle, strict=True)]
    return {"pairs": pairs, "processors": len(os.sched_getaffinity(0)), "threads_of_the_run": queue.threads(),
            "idle_ms_median": round(1000 * statistics.median(idle)),
            "training_ms_median": round(1000 * statistics.median(training)),
            "ratio_median": round(statistics.median(ratios), 3),
            "ratio_95th_percentile": round(statistics.quantiles(ratios, n=20)[-1], 3),
            "ratio_largest": round(max(ratios), 3), "steps_trained_meanwhile": steps}


def main() -> None:
    """Print the figures, and write them to a file if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=48)
    parser.add_argument("--json", type=Path, help="write the figures to this file, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["BVAE_RUNS"] = name
        figures = measure(options.pairs)
    print(json.dumps(figures, indent=2))
    if options.json:
        write_json(options.json, figures)


if __name__ == "__main__":
    main()
