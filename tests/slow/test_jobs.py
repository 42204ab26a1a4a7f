"""Trainings that the app starts, with real processes: started, watched, stopped, resumed, killed, queued, limited."""

import os
import signal
import time

import pytest
import torch

import bvae
from bvae.io.locking import holder, locked
from bvae.io.storage import read_json, read_tensors, read_tensors_and_metadata, write_json
from bvae.runs import jobs, limits, queue
from bvae.runs.jobs import JobError
from bvae.runs.limits import Limits
from bvae.training import Settings
from bvae.training.loop import STATE, train

pytestmark = pytest.mark.skipif(os.name == "nt", reason="training from the app needs Unix")

TINY = {"batch_size": 20, "width": 4, "latent_dim": 2, "warmup_steps": 5, "precision": "32-true"}
PATIENCE = 240


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    yield tmp_path / "runs"
    for job in jobs.jobs():
        who = holder(job.folder)
        if who and who.get("pid") not in (None, os.getpid()):
            os.kill(who["pid"], signal.SIGKILL)


def settings(steps, **changes):
    return Settings.for_method("polymnist", "wb-vae", **{**TINY, "steps": steps, **changes})


def drawn_at(job):
    """The step of which the run's pictures are."""
    return int(read_tensors_and_metadata(job.folder / jobs.SAMPLES)[1]["step"])


def until(job, wanted):
    """The job once `wanted` holds of it."""
    deadline = time.monotonic() + PATIENCE
    while not wanted(now := jobs.find(job.id)):
        log = now.folder / jobs.LOG
        assert time.monotonic() < deadline, (now, log.read_text() if log.exists() else "no log")
        time.sleep(0.05)
    return now


def test_a_run_is_started_watched_killed_resumed_stopped_resumed_and_finished(runs):
    """One life of one job; what it ends with is what an undisturbed training gives, bit for bit."""
    wanted = settings(3000)
    job = queue.submit("mine", wanted)
    assert job.state == "running"
    assert queue.start_next() is None  # it is going already
    other = queue.submit("other", settings(4))
    assert other.state == "queued"
    job = until(job, lambda j: j.step > 3 and j.seconds_left is not None)
    assert job.state == "running"
    pid = holder(job.folder)["pid"]
    assert os.getpriority(os.PRIO_PROCESS, pid) == 19
    assert os.getsid(pid) == pid  # it outlives us
    assert read_json(job.folder / jobs.PROGRESS)["recent"][0] > 0
    samples = read_tensors(until(job, lambda j: (j.folder / jobs.SAMPLES).exists()).folder / jobs.SAMPLES)
    assert samples["m0"].shape == (8, 3, 28, 28)
    with pytest.raises(JobError, match="still going"):
        queue.delete(job)
    queue.stop(job)
    job = until(job, lambda j: not j.active)
    assert job.state == "stopped"
    assert "everything is saved" in job.message
    reached = job.step
    assert 3 < reached < 3000
    # The worker that ended has started the one that waited.
    other = until(other, lambda j: j.state == "finished" and not j.active)
    assert bvae.checkpoints("polymnist").count("other") == 1
    model = bvae.load("polymnist", "other")
    assert model.latent_dim == 2
    # It goes on, is killed, is seen as such, and goes on.
    queue.resume(job)
    job = until(job, lambda j: j.step > reached)
    os.kill(holder(job.folder)["pid"], signal.SIGKILL)
    job = until(job, lambda j: not j.active)
    assert job.state == "interrupted"
    assert "ended without a word" in job.message
    assert (job.model_folder / STATE).is_file()
    queue.delete(job)
    queue.delete(other)
    assert jobs.jobs() == []
    assert "other" not in bvae.checkpoints("polymnist")
    assert [p for p in runs.rglob("*") if p.is_file()] == []


def test_a_stopped_run_ends_as_an_undisturbed_one_with_metrics_and_a_name_of_its_own(runs, tmp_path, monkeypatch):
    """In this process, step by step: what the worker does, without waiting for another to start."""
    from bvae.evaluation import evaluation
    from bvae.runs import worker

    monkeypatch.setattr(queue, "_launch", lambda job: False)
    monkeypatch.setattr(evaluation, "evaluated", lambda checkpoint, root: {
        "joint_coherence": {"mean": 0.5, "se": 0.1}, "evaluation": {"sha256": checkpoint.hash}})
    job = queue.submit("mine", settings(9), evaluate=True)
    assert job.state == "queued"
    (job.folder / jobs.QUEUED).unlink()
    report = worker.Reporter.on_step

    def interrupt(self, now):
        report(self, now)
        if now.step == 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(worker.Reporter, "on_step", interrupt)
        worker.work(job.folder)
    stopped = jobs.find(job.id)
    assert (stopped.state, stopped.step) == ("stopped", 4)
    assert "after step 4 of 9" in stopped.message  # the page shows one number, not two
    assert drawn_at(stopped) == 4
    worker.work(job.folder)
    job = jobs.find(job.id)
    assert (job.state, job.message, job.step) == ("finished", "", 9)
    train(settings(9), tmp_path / "whole", progress=False)
    assert drawn_at(job) == 9
    z = torch.randn(worker.NUM_SAMPLES, 2, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        last = bvae.load("polymnist", "mine").decode(z)
    for view, shown in read_tensors(job.folder / jobs.SAMPLES).items():  # rounded to half precision, as the weights are
        torch.testing.assert_close(shown.float(), last[view], atol=2e-3, rtol=0)
    assert (tmp_path / "whole" / "model.safetensors").read_bytes() == (
        job.model_folder / "model.safetensors").read_bytes()
    checkpoint = bvae.training.load_checkpoint("polymnist", "mine")
    assert checkpoint.metrics["joint_coherence"]["mean"] == 0.5
    assert job.model_folder == runs / "models" / "polymnist" / "mine"
    for name in ("mine", "mwb-vae", "records", "../x", "", "a b", "x" * 41, "MINE/..", ".hidden"):
        with pytest.raises(JobError, match="^Name: "):
            limits.check(name, settings(2))
    limits.check("mine", Settings.for_method("celeba", "wb-vae", **TINY))  # of other data


def test_a_disk_that_others_fill_stops_a_run_which_can_go_on_later(runs, monkeypatch):
    from bvae.runs import worker

    monkeypatch.setattr(queue, "_launch", lambda job: False)
    monkeypatch.setattr(worker, "EVERY", 0)
    job = queue.submit("mine", settings(9))
    (job.folder / jobs.QUEUED).unlink()
    looks = []

    def room(limits):
        looks.append(limits)
        if len(looks) == 3:
            raise JobError("Only 7 MB are free on the disk.")

    with monkeypatch.context() as patch:
        patch.setattr(limits, "room", room)
        worker.work(job.folder)
    job = jobs.find(job.id)
    assert (job.state, job.step) == ("stopped", 3)
    assert job.message.endswith("everything is saved. Only 7 MB are free on the disk.")
    worker.work(job.folder)
    assert jobs.find(job.id).state == "finished"


def test_a_run_that_hangs_and_does_not_stop_is_killed_and_the_next_one_starts(runs, monkeypatch):
    job = queue.submit("hangs", settings(20_000))
    waiting = queue.submit("waits", settings(4))
    job = until(job, lambda j: j.step > 0)
    pid = holder(job.folder)["pid"]
    os.kill(pid, signal.SIGSTOP)
    queue.stop(job)
    assert jobs.find(job.id).state == "stopping"
    assert queue.start_next() is None  # it has time to save
    assert jobs.find(job.id).state == "stopping"
    monkeypatch.setattr(queue, "STOP_PATIENCE", 0.0)
    time.sleep(0.05)
    queue.start_next()
    job = until(job, lambda j: not j.active)
    assert job.state == "stopped"
    assert "what was saved before is there" in job.message
    queue.start_next()
    assert jobs.find(waiting.id).state in ("running", "finished")
    until(waiting, lambda j: j.state == "finished" and not j.active)


def test_what_ships_comes_first_whatever_the_folder_of_runs_holds(runs):
    job = runs / "models" / "polymnist" / "mwb-vae"
    train(settings(1), job, progress=False)
    assert bvae.load("polymnist", "mwb-vae").latent_dim != 2


def test_a_worker_that_fails_says_why(runs, monkeypatch, capsys):
    from bvae.runs import worker
    from bvae.training import loop

    monkeypatch.setattr(queue, "_launch", lambda job: False)

    def diverge(*args, **kwargs):
        raise FloatingPointError("the loss is not finite any more at step 7")

    for error, message in ((diverge, "not finite any more at step 7"), (None, "TypeError")):
        job = queue.submit(f"bad-{message[0]}", settings(2))
        (job.folder / jobs.QUEUED).unlink()
        monkeypatch.setattr(loop, "train", error)
        monkeypatch.setattr("sys.argv", ["worker", str(job.folder), "0"])
        with monkeypatch.context() as patch:
            patch.setattr(os, "nice", lambda by: 0)
            threads = torch.get_num_threads()
            worker.main()
            torch.set_num_threads(threads)
        job = jobs.find(job.id)
        assert job.state == "failed"
        assert message in job.message
    assert "Traceback" in capsys.readouterr().err  # in its log


def test_limits_and_who_may(runs, monkeypatch):
    monkeypatch.setattr(queue, "_launch", lambda job: False)
    few = Limits(queued=2, kept=3, steps=100, width=32, latent_dim=8)
    for changes, message in (({"steps": 101}, "steps: at most 100"), ({"width": 64}, "width: at most 32"),
                             ({"latent_dim": 9}, "latent_dim: at most 8")):
        with pytest.raises(JobError, match=message):
            queue.submit("mine", settings(**{"steps": 10, **changes}), limits=few)
    assert jobs.jobs() == []
    queue.submit("a", settings(10), limits=few)
    with pytest.raises(JobError, match="a model or a run 'a'"):
        queue.submit("a", settings(10), limits=few)
    queue.submit("b", settings(10), limits=few)
    with pytest.raises(JobError, match="2 runs are waiting already"):
        queue.submit("c", settings(10), limits=few)
    first = jobs.jobs()[-1]
    assert first.name == "a"
    queue.stop(first)
    assert jobs.find(first.id).state == "stopped"
    queue.submit("c", settings(10), limits=few)
    queue.stop(jobs.jobs()[0])
    with pytest.raises(JobError, match="3 runs are kept already"):
        queue.submit("d", settings(10), limits=few)
    with pytest.raises(JobError, match="MB they may; delete some"):
        queue.resume(jobs.find(first.id), Limits(bytes=10))
    with pytest.raises(JobError, match="MB are free on the disk"):
        queue.resume(jobs.find(first.id), Limits(free=2**60))
    for address in ("localhost", "127.0.0.1", "::1", "[::1]", "LOCALHOST"):
        assert limits.forbidden(address) == ""
    for address in ("0.0.0.0", "::", None, "", "example.org", "localhost.example.org"):
        assert "can be reached from other computers" in limits.forbidden(address)
        monkeypatch.setenv("BVAE_TRAINING", "on")
        assert limits.forbidden(address) == ""
        monkeypatch.delenv("BVAE_TRAINING")
    monkeypatch.setenv("BVAE_TRAINING", "off")
    assert "switched off" in limits.forbidden("localhost")


def test_damaged_jobs_are_listed_and_can_be_removed(runs, monkeypatch):
    monkeypatch.setattr(queue, "_launch", lambda job: False)
    job = queue.submit("mine", settings(10))
    for damage in ("{", "[]", "null", '{"name": "../x"}', '{"name": "x", "settings": {}}', "\0"):
        (job.folder / jobs.JOB).write_text(damage)
        found = jobs.find(job.id)
        assert found.state == "damaged"
        assert "job.json" in found.message
    queue.delete(found)
    job = queue.submit("mine", settings(10))
    for name in (jobs.PROGRESS, jobs.OUTCOME):
        for damage in ("{", "[]", '{"step": "x"}', '{"history": 3, "state": 4}'):
            (job.folder / name).write_text(damage)
            assert jobs.find(job.id).state == "queued"
            assert jobs.find(job.id).step == 0
    write_json(job.folder / jobs.JOB, {**read_json(job.folder / jobs.JOB), "name": "a/b"})
    assert jobs.find(job.id).state == "damaged"
    with pytest.raises(JobError, match="no run"):
        jobs.find("../jobs")


def test_a_job_is_started_once_however_many_look(runs, monkeypatch):
    launched = []
    monkeypatch.setattr(queue, "_launch", lambda job: launched.append(job.id) or True)
    with locked(jobs.jobs_root()):
        import threading

        thread = threading.Thread(target=queue.start_next)
        thread.start()
        thread.join()
    assert launched == []  # another was at it
    job = queue.submit("mine", settings(10))
    assert launched == [job.id]
