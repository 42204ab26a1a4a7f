"""Train in Streamlit's AppTest: a finished answer at once, every state of a run, limits, and nothing that raises."""

import pytest
import torch

from bvae.app.train.training import Wanted, reproduce
from bvae.io.storage import write_json, write_tensors
from bvae.models.methods import METHODS
from bvae.plots import style
from bvae.runs import jobs, queue
from bvae.training import Settings
from tests.support.pages import assert_clean, drawings, open_page

PAGE = "pages/train.py"


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """No run yet, and none that starts by itself."""
    monkeypatch.setenv("BVAE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr(queue, "_launch", lambda job: False)
    return tmp_path / "runs"


def button(app, text):
    return next(b for b in app.button if text in b.label)


def texts(app):
    return " ".join(e.value for e in [*app.markdown, *app.caption, *app.info, *app.warning, *app.subheader])


def test_it_opens_on_the_curves_of_what_ships_and_no_control_can_raise(runs):
    app = open_page(PAGE)
    assert "How MWB-VAE learned PolyMNIST" in texts(app)
    assert len(app.get("plotly_chart")) == 1
    assert "Takes about" in texts(app)
    for name in ("polymnist", "a/b", "<b>", "mwb-vae"):
        app.text_input(key="train_name").set_value(name).run()
        assert_clean(app)
        assert button(app, "Start").disabled is (name != "polymnist")
    app.text_input(key="train_name").set_value("")
    for data in ("mnist-svhn-text", "polymnist"):
        app.selectbox(key="train_data").set_value(data).run()
        assert_clean(app)
    for method in ("mmvae-dreg", "mmvae-plus"):
        app.selectbox(key="train_method").set_value(method).run()
        assert_clean(app)
    for key, value in (("train_d", 128), ("train_beta", 0.0), ("train_rate", 0.1), ("train_batch", 512)):
        app.number_input(key=key).set_value(value)
    app.slider(key="train_missing").set_value(0.9).run()
    assert_clean(app)
    assert open_page(PAGE, train_d="128", train_method="MMVAE+").number_input(key="train_d").value == 128
    button(app, "Reset everything").click().run()
    assert_clean(app)
    assert (app.selectbox(key="train_method").value, app.number_input(key="train_d").value) == ("mwb-vae", 32)
    assert app.slider(key="train_missing").value == 0.0
    assert jobs.jobs() == []


def test_settings_that_nobody_changed_are_those_of_the_method_that_is_chosen(runs):
    """MWB-VAE+ was once trained with the beta of the method that was chosen before it, and Reset kept its own."""
    app = open_page(PAGE)

    def now():
        return app.number_input(key="train_beta").value, app.number_input(key="train_batch").value

    assert now() == (2.5, 128)
    app.selectbox(key="train_method").set_value("mwb-vae-plus").run()
    assert_clean(app)
    assert now() == (1.0, 64)
    button(app, "Reset everything").click().run()
    assert now() == (2.5, 128)
    app.number_input(key="train_beta").set_value(3.0).run()
    app.selectbox(key="train_method").set_value("mwb-vae-plus").run()
    assert now() == (3.0, 64)
    assert open_page(PAGE, train_method="MWB-VAE+", train_beta="2.5").number_input(key="train_beta").value == 2.5


def test_an_example_of_another_method_says_so(runs):
    app = open_page(PAGE)
    assert "Yours should look alike." in texts(app)
    app.selectbox(key="train_method").set_value("mmvae-dreg").run()  # its weights do not ship
    assert_clean(app)
    said = texts(app)
    assert "How MMVAE learned" in said  # the same rule
    assert "No trained MMVAE (DReG, K = 1) is there, so this is another method: yours may look otherwise." in said
    assert "should look alike" not in said
    app.selectbox(key="train_method").set_value("hoelder-vae-plus-plus").run()
    assert "How MWB-VAE+ learned" in texts(app)  # the same bound, and private latents too


def test_every_state_of_a_run(runs):
    app = open_page(PAGE)
    app.number_input(key="train_steps_mwb-vae").set_value(40)
    app.text_input(key="train_name").set_value("mine").run()
    button(app, "Start mine").click().run()
    assert_clean(app)
    (job,) = jobs.jobs()
    assert (job.state, job.name, job.settings.steps) == ("queued", "mine", 40)
    assert "**Waiting**" in texts(app)
    assert app.selectbox(key="train_run").value == job.id
    button(app, "Stop mine").click().run()
    assert "**Stopped**" in texts(app)
    button(app, "Resume").click().run()
    assert "**Waiting**" in texts(app)
    (job.folder / jobs.QUEUED).unlink()
    write_json(job.folder / jobs.PROGRESS, {
        "phase": "training", "step": 7, "seconds": 3.0, "per_step": 0.5, "recent": [9.0, 8.0, 1.0],
        "history": [{"step": 3, "loss": 10.0, "reconstruction": 9.0, "kl": 1.0}, {"damaged": 1}, 3]})
    write_tensors(job.folder / jobs.SAMPLES, {"m0": torch.rand(8, 3, 28, 28).half()}, {"step": "7"})
    app.run()
    assert_clean(app)
    assert "**Interrupted**, step 7 of 40" in texts(app)
    assert "invents after step 7" in texts(app)
    for state in ("failed", "finished"):
        write_json(job.folder / jobs.OUTCOME, {"state": state, "message": "because of *this* <b>"})
        app.run()
        assert_clean(app)
        assert f"**{state.capitalize()}**" in texts(app)
        assert r"because of \*this\* \<b\>" in texts(app)
    (job.folder / jobs.SAMPLES).write_bytes(b"x")
    (job.folder / jobs.JOB).write_text("{")
    app.run()
    assert_clean(app)
    assert "**Damaged**" in texts(app)
    button(app, "for good").click().run()
    assert_clean(app)
    assert jobs.jobs() == []
    assert "None yet" in texts(app)


def test_others_cannot_train_here_but_see_the_runs(runs, monkeypatch):
    queue.submit("mine", Settings.for_method("polymnist", "wb-vae", steps=5))
    monkeypatch.setenv("BVAE_TRAINING", "off")
    app = open_page(PAGE, train_run="nothing that exists", train_data="../x")
    assert "switched off" in texts(app)
    assert all(b.disabled for b in app.button if b.label.startswith(("Start", "Stop", "Resume")))
    assert "**Waiting**" in texts(app)


def test_a_finished_model_is_in_the_lists_of_the_pages_and_of_the_command_line(runs, capsys):
    from bvae.cli import main
    from bvae.training.loop import train

    settings = Settings.for_method("polymnist", "wb-vae", steps=1, batch_size=20, width=4, latent_dim=2)
    train(settings, runs / "models" / "polymnist" / "mine", progress=False)
    app = open_page("pages/explore.py", model="mine")
    assert app.selectbox(key="model").value == "mine"
    assert drawings(app)
    assert main(["checkpoints"]) == 0
    assert "polymnist/mine: WB-VAE (full set), D = 2, 1 steps" in capsys.readouterr().out


def test_the_command_line_trains_the_same(monkeypatch, tmp_path):
    """What Reproduce prints, parsed by the command line itself and run by Python, gives the settings of the page."""
    import shlex

    from bvae import cli
    from bvae.training import loop

    seen = []
    monkeypatch.setattr(loop, "train", lambda settings, folder, **options: seen.append(settings) or exit())
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    settings = Settings.for_method("polymnist", "mmvae-plus", steps=123, beta=1.5, seed=4, missing=0.25, latent_dim=7)
    command, code = reproduce(Wanted("mine", settings, False))
    with pytest.raises(SystemExit):
        cli.main(shlex.split(command)[3:])
    with pytest.raises(SystemExit):
        exec(compile(code, "reproduce", "exec"), {})  # noqa: S102 - our own text, shown on the page
    assert seen == [settings, settings]
    assert "mmvae-plus" in METHODS


def test_the_loss_of_items_that_are_kept_is_shown_beside_the_other(runs):
    from bvae.app.train.training import validation_of, what_was_kept
    from bvae.plots import training as plots

    job = queue.submit("kept", Settings.for_method("penguins", "mwb-vae", steps=900, validation=0.2))
    (job.folder / jobs.QUEUED).unlink(missing_ok=True)
    row = {"loss": 10.0, "reconstruction": 9.0, "kl": 1.0}
    progress = {"phase": "training", "step": 500, "seconds": 3.0, "per_step": 0.5, "recent": [9.0, 8.0, 1.0],
                "history": [{"step": 100, **row}, {"step": 300, **row}],
                "validation": [[100, 12.0], [200, 11.0], [500, 11.5], "damaged", [1, None]]}
    write_json(job.folder / jobs.PROGRESS, progress)
    job = jobs.find(job.id)
    assert validation_of(job) == [(100, 12.0), (200, 11.0), (500, 11.5)]
    assert "step **200** (11 nats): that state will be kept. Without a better one for 300 steps" in what_was_kept(
        job, validation_of(job))
    app = open_page(PAGE, train_run=job.id)
    assert "the loss is lowest at step **200**" in texts(app)
    figure = plots.training_figure(progress["history"], style.LIGHT, 900, validation=validation_of(job))
    kept = next(line for line in figure.data if line.name == plots.KEPT)
    assert (list(kept.x), list(kept.y)) == ([100, 200, 500], [12.0, 11.0, 11.5])
    ring = next(line for line in figure.data if "kept" in line.name and line is not kept)
    assert (list(ring.x), list(ring.y)) == ([200], [11.0])
    assert "lowest at step 200" in plots.spoken(progress["history"], validation_of(job))
    write_json(job.folder / jobs.OUTCOME, {"state": "finished", "message": ""})
    job = jobs.find(job.id)
    assert "It got no better for 300 steps, so the run ended at step 500 of 900" in what_was_kept(
        job, validation_of(job))
    assert plots.KEPT not in [line.name for line in plots.training_figure(progress["history"], style.LIGHT).data]


def test_parts_that_run_by_themselves_hold_no_other_fragment(runs, monkeypatch):
    """Streamlit drops what an outer one has left unsent and sends what an inner one has: then the page is gone."""
    from streamlit.runtime.fragment import MemoryFragmentStorage as Storage

    parents = []
    register = Storage.register

    def seen(self, key, fragment, *, parent_fragment_id=None, **more):
        parents.append(parent_fragment_id)
        register(self, key, fragment, parent_fragment_id=parent_fragment_id, **more)

    job = queue.submit("live", Settings.for_method("penguins", "mwb-vae", steps=900))
    (job.folder / jobs.QUEUED).unlink(missing_ok=True)
    row = {"loss": 10.0, "reconstruction": 9.0, "kl": 1.0}
    write_json(job.folder / jobs.PROGRESS, {"phase": "training", "step": 500, "seconds": 3.0, "per_step": 0.5,
                                            "history": [{"step": 100, **row}, {"step": 300, **row}]})
    write_tensors(job.folder / jobs.MAP, {"points": torch.randn(30, 2)}, {})
    monkeypatch.setattr(Storage, "register", seen)
    app = open_page(PAGE, train_run=job.id)
    assert len(app.get("plotly_chart")) == 2
    assert len(parents) >= 2
    assert set(parents) == {None}


def test_one_run_says_how_far_it_is_in_one_place(runs, monkeypatch):
    job = queue.submit("mine", Settings.for_method("penguins", "mwb-vae", steps=900))
    (job.folder / jobs.QUEUED).unlink(missing_ok=True)
    write_json(job.folder / jobs.PROGRESS, {"phase": "training", "step": 500, "seconds": 3.0, "per_step": 0.5})
    monkeypatch.setattr(jobs, "holder", lambda folder: 1)
    app = open_page(PAGE, train_run=job.id)
    assert [m.value.count("step 500 of 900") for m in app.markdown if "Running" in m.value] == [1, 0]


def test_the_same_settings_again_are_said_to_make_the_same_model(runs):
    app = open_page(PAGE, train_data="penguins")
    assert "the same model again" not in texts(app)
    button(app, "Start my-mwb-vae-1").click().run()
    assert "my-mwb-vae-1 has these settings and this seed already" in texts(app).replace("\\", "")
    app.number_input(key="train_seed").set_value(7).run()
    assert "the same model again" not in texts(app)


def test_a_finished_run_leads_on_at_once(runs):
    from bvae.training.loop import train

    job = queue.submit("mine", Settings.for_method("penguins", "mwb-vae", steps=1, width=4, validation=0.0))
    (job.folder / jobs.QUEUED).unlink(missing_ok=True)
    train(job.settings, job.published, progress=False)
    write_json(job.folder / jobs.OUTCOME, {"state": "finished"})
    app = open_page(PAGE, train_run=job.id)
    assert "**Finished**" in texts(app)
    assert sum("Take it with you" in m.value for m in app.markdown) == 1
    assert [link.proto.label for link in app.get("page_link")].count("Open mine in Explore") == 2
