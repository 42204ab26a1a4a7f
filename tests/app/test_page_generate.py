"""The Generate page opens on a finished answer, in each of its tasks and for each data set, and its code runs."""

import re
from types import SimpleNamespace

import pytest
import torch

from bvae.app import loaders
from bvae.app.beliefs.generation import Studio
from bvae.app.generate import first, inventing
from bvae.app.generate.inventing import Counted
from bvae.models.imputation import impute
from tests.support.pages import assert_clean, html_table, open_page, unfold

PAGE = "pages/generate.py"


@pytest.mark.parametrize("data", ["polymnist", "mnist-svhn-text", "celeba"])
def test_every_task_opens(data):
    assert loaders.trained(data)
    app = open_page(PAGE, data=data, seed="5")
    task = app.segmented_control[0]
    for option in list(task.options):
        app.segmented_control[0].set_value(task.options[list(task.options).index(option)])
        app.run()
        assert not app.exception, [e.value for e in app.exception]
        assert app.number_input(key="seed").value == 5
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert not app.exception, [e.value for e in app.exception]
    assert app.number_input(key="seed").value == 0


def test_what_is_asked_goes_with_what_one_can_do():
    def asked(app):
        return [m.value for m in app.markdown if "it becomes one view" in m.value]

    app = open_page(PAGE, data="mnist-svhn-text", task="Draw or write")
    assert [a.startswith("**Draw a figure:**") for a in asked(app)] == [True]
    app.segmented_control(key="input").set_value("Type a text").run()
    assert [a.startswith("**Type a text:**") for a in asked(app)] == [True]
    app = open_page(PAGE, data="celeba", task="Draw or write")  # nothing to draw
    assert [a.startswith("**Type a text:**") for a in asked(app)] == [True]
    assert not asked(open_page(PAGE))


def pictures(app):
    """What is generated, as the data of the pictures."""
    return [src for h in app.get("html") for src in re.findall('alt="[^"]*generated[^"]*"[^>]*src="([^"]*)"',
                                                               h.proto.body)
            + re.findall('src="([^"]*)"[^>]*alt="[^"]*generated', h.proto.body)]


def test_again_invents_others_and_the_seed_says_which():
    app = open_page(PAGE, task="Invent")
    first = pictures(app)
    assert len(first) == 15
    next(b for b in app.button if b.label == "Again").click().run()
    assert_clean(app)
    second = pictures(app)
    assert app.number_input(key="seed").value == 1
    assert not set(first) & set(second)
    assert pictures(open_page(PAGE, task="Invent", seed="1")) == second  # what the link holds
    app.number_input(key="seed").set_value(9999).run()
    next(b for b in app.button if b.label == "Again").click().run()
    assert app.number_input(key="seed").value == 0
    assert pictures(app) == first


def agreed(app):
    """In how many inventions all views show the same class, as the page says."""
    return next(int(m.value.split("**")[1].split()[0]) for m in app.markdown if "views show the same class" in m.value)


def drawn_in_address(app):
    held = app.query_params.get("drawn")
    return held[0] if isinstance(held, list) else held


def test_inventions_come_from_where_items_are_and_one_click_shows_the_bare_prior():
    app = open_page(PAGE, model="mwb-vae", task="Invent", n="8")
    assert_clean(app)
    control = app.segmented_control(key="drawn")
    assert control.value == "items"
    assert drawn_in_address(app) == "Where items are"
    assert any("drawn from where items are" in m.value and "50 soft clouds" in m.value for m in app.markdown)
    fitted = agreed(app)
    control.set_value("prior").run()
    assert_clean(app)
    assert drawn_in_address(app) == "The bare prior"
    assert any("the hole problem" in m.value for m in app.markdown)
    assert fitted >= agreed(app) + 3
    app.segmented_control(key="task").set_value("Translate").run()
    assert drawn_in_address(app) is None


def test_the_script_of_inventions_draws_the_same_z():
    app = open_page(PAGE, model="mwb-vae", task="Invent", n="3", seed="4")
    loaded = loaders.load_model("polymnist", "mwb-vae")
    studio = Studio(loaded.model, loaders.latent_cloud(loaded.key), None, loaded.model.aggregator)
    by_script = loaded.model.sample(3, generator=torch.Generator().manual_seed(4))
    shown = studio.decode(studio.of_sampler(3, 4)).values
    for name, values in by_script.items():
        torch.testing.assert_close(values, shown[name])
    assert len(pictures(app)) == 15


def studio_of(name):
    loaded = loaders.load_model("polymnist", name)
    return Studio(loaded.model, loaders.latent_cloud(loaded.key), None, loaded.model.aggregator)


@pytest.mark.parametrize("path", ["Between two items", "Between two views of an item"])
def test_a_path_with_noise_is_completed_and_so_is_that_of_its_script(path):
    """Private parts of views that take no part were once drawn from N(0, I)."""
    app = open_page(PAGE, model="mwb-vae-plus", task="Interpolate", path=path, noise="true", seed="6")
    assert_clean(app)
    names: dict = {}
    code = next(c.value for c in unfold(app).code if "interpolation" in c.value)
    exec(compile(code, "reproduce", "exec"), names)  # noqa: S102 - our own text, shown on the page
    studio, data = studio_of("mwb-vae-plus"), loaders.test_data("polymnist")
    seen = list(data.modalities) if path == "Between two items" else ["m0", "m1"]
    shown = studio.along(names["path"], 6, [], seen).values
    for name, values in names["images"].items():
        torch.testing.assert_close(values.detach(), shown[name].detach(), rtol=1e-4, atol=1e-4)
    bare = torch.cat([names["path"].items([t]).rsample((), generator=torch.Generator().manual_seed(6))
                      for t in range(len(shown["m3"]))])
    changed = (studio.model.decode(bare)["m3"] - shown["m3"]).abs().amax()
    assert (changed > 0.1) == (path != "Between two items")


def test_edited_rows_are_believed_as_impute_believes_them():
    """With private latents too: what is not observed is drawn to fit z."""
    studio, data = studio_of("mwb-vae-plus"), loaders.test_data("polymnist")
    x = {"m0": data.x["m0"][:1]}
    z = studio.common(x, 16, 3)
    found = impute(studio.model, x, None, 16, 0, torch.Generator().manual_seed(3), ["m2"])["m2"]
    torch.testing.assert_close(studio.model.decode(z, ["m2"])["m2"].mean(0), found.mean[0], rtol=1e-4, atol=1e-4)


def test_a_model_without_a_sampler_invents_from_the_prior_and_says_so(monkeypatch):
    monkeypatch.setattr(loaders.load_model("polymnist", "mwb-vae").model, "sampler", None)
    app = open_page(PAGE, model="mwb-vae", task="Invent")
    assert_clean(app)
    assert app.segmented_control(key="drawn").options == ["The bare prior"]
    assert any("--samplers" in m.value for m in app.markdown)


def test_the_items_beside_an_invention_are_those_nearest_to_its_z():
    app = open_page(PAGE, model="mwb-vae", task="Invent", n="2")
    loaded, data = loaders.load_model("polymnist", "mwb-vae"), loaders.test_data("polymnist")
    cloud = loaders.latent_cloud(loaded.key)
    z = loaded.model.sample_latents(2, generator=torch.Generator().manual_seed(0))
    shown = html_table(app, "Nearest items").iloc[:, 1:]
    body = next(h.proto.body for h in app.get("html") if 'aria-label="Nearest items"' in h.proto.body)
    items = [int(i) for i in re.findall(r"m0 of item (\d+)", body)]
    by_hand = []
    for one in z:  # the cloud in whose units the fifth nearest is nearest, and its items
        far = (cloud.points - one).norm(dim=-1)  # (C, N)
        best = (far.sort(dim=1).values[:, cloud.k - 1] / cloud.unit).argmin()
        by_hand += far[best].argsort()[: inventing.NEAREST].tolist()
    assert items == by_hand
    assert [cell.strip() for cell in shown.to_numpy().ravel()] == [data.class_names[int(data.y[i])] for i in items]


def test_why_inventions_disagree_is_counted():
    app = open_page(PAGE, model="mwb-vae", task="Invent")
    app.session_state["why_they_disagree"] = True
    app.run()
    assert_clean(app)
    table = html_table(app, "Why inventions disagree")
    agree = [int(v.strip(" %")) / 100 for v in table["all views show the same class"]]
    loaded, data = loaders.load_model("polymnist", "mwb-vae"), loaders.test_data("polymnist")
    judges = loaders.judges("polymnist")
    studio = Studio(loaded.model, loaders.latent_cloud(loaded.key), judges, loaded.model.aggregator)
    z = torch.randn(inventing.COUNTED, 32, generator=torch.Generator().manual_seed(0))
    seen = torch.stack([p.argmax(-1) for p in judges.probabilities(loaded.model.decode(z)).values()])
    assert agree[0] == pytest.approx(float((seen == seen[0]).all(0).float().mean()), abs=0.005)
    items = list(range(0, 1000, 100))
    x = data.subset(torch.tensor(items))
    with torch.inference_mode():
        q = loaded.model.encode(x, loaded.model.aggregator.conditional())
        want = q.rsample((), generator=torch.Generator().manual_seed(3))
    torch.testing.assert_close(studio.of_items(loaded.experts, items, 3), want, atol=1e-4, rtol=1e-4)
    assert len(agree) == 3  # the prior, where items are, an item's belief
    assert agree[2] > agree[0]
    assert agree[1] > agree[0] + 0.5
    assert any("It is the place." in m.value for m in app.markdown)


def test_what_is_told_follows_the_counts():
    def told(prior, items):
        return inventing.told(Counted(prior, 0.1, 1.2), Counted(items, 0.8, 0.9), 200)

    assert "in 88%" in told(0.2, 0.88)
    assert "in 20%" in told(0.2, 0.88)
    assert "is where its items are" in told(0.9, 0.92)
    assert "the decoders themselves differ" in told(0.2, 0.22)
    assert "even more often" in told(0.9, 0.2)


@pytest.mark.parametrize(("model", "there"), [("mwb-vae-2d", True), ("mwb-vae", False)])
def test_where_the_latent_space_is_a_plane_one_is_led_to_it(model, there):
    app = open_page(PAGE, data="mnist-svhn-text", model=model, task="Invent")
    links = [link.proto for link in app.get("page_link") if "plane" in link.proto.label]
    assert len(links) == there
    assert all("look=Walk" in link.query_string for link in links)


# -- the first sight ---------------------------------------------------------------------------------------------------


def figures(varied, right, agreeing, more=None):
    return {"variety": {"1": {"mean": varied}},
            "coherence": {"1": {"mean": right}, "4": {"mean": right if more is None else more}},
            "joint_coherence_fitted": {"mean": agreeing}}


def test_it_opens_on_a_model_whose_translations_differ_and_whose_inventions_agree(monkeypatch):
    metrics = {"mwb-vae": figures(0.0, 0.8, 0.95), "mvtcae": figures(0.5, 0.6, 0.95), "mvae": figures(0.5, 0.8, 0.5),
               "mmvae": {}}
    monkeypatch.setattr(first, "load_checkpoint", lambda data, name: SimpleNamespace(metrics=metrics.get(name, {})))
    first._first.clear()
    assert first.first_model("polymnist") == "mwb-vae"  # none does, so it is the one of the other pages
    metrics |= {"mopoe-vae": figures(0.5, 0.8, 0.9), "mvtcae": figures(0.2, 0.75, 0.9, more=0.9)}
    first._first.clear()
    try:
        assert first.first_model("polymnist") == "mvtcae"  # the more coherent one of those that do, over all counts
        app = open_page(PAGE)
        assert_clean(app)
        assert app.selectbox(key="model").value == "mvtcae"
    finally:
        first._first.clear()


def told_apart(app):
    """View -> how far the draws are apart, as the page says."""
    said = next(m.value for m in app.markdown if m.value.startswith("Distance of two draws"))
    return {name: float(value) for name, value in re.findall(r"(m\d) \*\*([\d.]+)\*\*", said)}, said


def test_it_says_how_far_draws_of_a_translation_are_apart():
    apart, said = told_apart(open_page(PAGE, model="mvtcae", n="3", seed="4"))
    loaded, data = loaders.load_model("polymnist", "mvtcae"), loaders.test_data("polymnist")
    x = {v: data.x[v][[342]] for v in ("m0", "m1")}
    drawn = loaded.model.generate(x, num_samples=3, generator=torch.Generator().manual_seed(4))
    assert list(apart) == ["m2", "m3", "m4"]  # not of the views that went in
    for name, value in apart.items():
        pairs = torch.pdist(drawn[name][:, 0].flatten(1)).square().mean()
        real = data.x[name].flatten(1)
        scale = torch.stack([torch.pdist(real[data.y == k]).square().mean() for k in range(10)]).mean()
        assert value == pytest.approx(float(pairs / scale), abs=0.02)
    assert "hardly differ" not in said
    assert "hardly differ" in told_apart(open_page(PAGE, model="mwb-vae"))[1]
    assert not [m for m in open_page(PAGE, n="1").markdown if m.value.startswith("Distance of two draws")]


def test_inventions_are_told_with_the_share_that_was_counted():
    metrics = loaders.load_model("polymnist", "mwb-vae").checkpoint.metrics
    for drawn, figure in (("Where items are", "joint_coherence_fitted"), ("The bare prior", "joint_coherence")):
        app = open_page(PAGE, model="mwb-vae", task="Invent", drawn=drawn)
        said = next(m.value for m in app.markdown if "views show the same class" in m.value)
        assert f"Of 1,000 that were counted, they do in **{metrics[figure]['mean']:.0%}**" in said
