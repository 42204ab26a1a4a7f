"""The browser's rules on diagonal posteriors against Python's, under plain node; and its networks, where they are."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import torch

import bvae
from bvae.aggregators.weights import ExpertWeights
from bvae.app.components.live import packed, runtime, vector
from bvae.app.generate.under_the_pen import recipe
from bvae.data import drawings
from bvae.export import folder
from bvae.models.config import ModelConfig
from bvae.models.vae import MultimodalVAE
from tests.support import ROOT

M, D = 4, 6
RULES = [
    ("poe", {}), ("poe", {"prior_expert": "always"}), ("poe", {"prior_expert": "full"}), ("geometric", {}), ("moe", {}),
    ("moment", {}), ("wasserstein", {}), ("mopoe", {"prior_expert": "full"}), ("mwb", {}), ("jeffreys", {}),
    ("fisher-rao", {}), ("code", {"rho": 0.3}), ("helvae", {}), ("hoelder", {}), ("hoelder", {"alpha": 1.0}),
    ("mixture(code)", {"rho": 0.4}),
]
KINDS = {"all": {}, "missing": {"missing": (1,)}, "weights": {"weights": True}, "dimensions": {"dimensions": True},
         "subsets": {"subsets": True}, "nothing": {"missing": (0, 1, 2, 3)}}
BY_DIMENSION = ("poe", "geometric", "moment", "wasserstein", "jeffreys", "fisher-rao", "code")


def node(*arguments):
    if not shutil.which("node"):
        pytest.skip("node is not installed; tests/browser runs the same modules in Chromium")
    done = subprocess.run(["node", "--no-warnings", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
                          encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr[-1000:]
    return json.loads(done.stdout)


def case(rule, options, seed, missing=(), weights=False, dimensions=False, subsets=False):
    """A case for the browser, and Python's mean and scale."""
    g = torch.Generator().manual_seed(seed)
    loc, scale = torch.randn(M, 1, D, generator=g), 0.2 + torch.rand(M, 1, D, generator=g)
    present = torch.tensor([[m not in missing] for m in range(M)])
    given = None
    if weights:
        given = torch.tensor([0.1, 0.4, 0.0, 0.5])
    elif dimensions:
        made = ExpertWeights("dimension", M, D)
        torch.nn.init.normal_(made.logits, generator=g)
        given = made().detach()
    elif subsets:
        made = ExpertWeights("subset", M, D)
        torch.nn.init.normal_(made.logits, generator=g)
        given = made().detach()
    q = bvae.aggregator(rule, **options)(loc, scale, present, given)
    plain = None if given is None or subsets else (given.squeeze(1) if dimensions else given).tolist()
    return {
        "rule": {"name": rule, "options": options}, "weights": plain, "subsets": given.tolist() if subsets else None,
        "locs": [loc[m, 0].tolist() if m not in missing else None for m in range(M)],
        "scales": [scale[m, 0].tolist() for m in range(M)],
    }, (q.mean[0].numpy(), q.variance[0].sqrt().numpy())


def takes(rule, kind):
    if kind == "dimensions":
        return rule in BY_DIMENSION
    return kind != "subsets" or rule in ("mopoe", "mwb", "mixture(code)")


def test_rules_on_many_dimensions_are_pythons(tmp_path):
    asked = [(rule, options, kind, case(rule, options, k, **KINDS[kind]))
             for k, (rule, options) in enumerate(RULES) for kind in KINDS if takes(rule, kind)]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"rules": [given for *_, (given, _) in asked]}), encoding="utf-8")
    found = node("tests/support/live.mjs", tmp_path, file)["rules"]
    for (rule, options, kind, (_, (mean, scale))), got in zip(asked, found, strict=True):
        np.testing.assert_allclose(got["mean"], mean, atol=2e-5, err_msg=f"{rule} {options} {kind}")
        np.testing.assert_allclose(got["scale"], scale, atol=2e-5, err_msg=f"{rule} {options} {kind}")


def test_drawings_are_centred_as_in_python(tmp_path):
    g = torch.Generator().manual_seed(5)
    asked = [*drawings.EXAMPLES.values()]
    for k in range(20):
        ink = torch.zeros(28, 28, dtype=torch.uint8)
        height, width = (int(v) for v in torch.randint(1, 27, (2,), generator=g))
        top, left = (int(torch.randint(28 - side, (1,), generator=g)) for side in (height, width))
        ink[top : top + height, left : left + width] = 85 * torch.randint(4, (height, width), generator=g).byte()
        asked.append(ink if k else torch.zeros(28, 28, dtype=torch.uint8))
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"drawings": [ink.flatten().tolist() for ink in asked]}), encoding="utf-8")
    for ink, got in zip(asked, node("tests/support/live.mjs", tmp_path, file)["drawings"], strict=True):
        np.testing.assert_allclose(got, drawings.centred(ink).flatten(), atol=1)


@pytest.mark.parametrize("ink", [0, 60, 200, 255])
def test_how_a_drawing_enters_is_found_out(ink):
    data = bvae.dataset("polymnist", "test")
    blank, full, above = recipe(data, "m2", seed=4)
    field = torch.full((28, 28), ink, dtype=torch.uint8)
    made = data.from_drawing(field, "m2", torch.Generator().manual_seed(4))[0]
    torch.testing.assert_close(full if ink > above else blank, made)
    assert recipe(bvae.dataset("mnist-svhn-text", "test"), "mnist", seed=4)[2] is None


@pytest.mark.slow
def test_networks_in_webassembly_are_pytorchs(tmp_path):
    if runtime.folder() is None:
        pytest.skip("the runtime has not been fetched: python -m bvae.app.components.live.runtime")
    torch.manual_seed(0)
    model = MultimodalVAE(
        [bvae.Modality("picture", "image", (3, 8, 8)), bvae.Modality("word", "text", (8, 5))], bvae.aggregator("mwb"),
        ModelConfig(latent_dim=3, width=8, private_dim=2)).eval()
    folder.fill(tmp_path, model, {}, {}, lambda line: None)
    z = torch.randn(3, model.latent_dim)
    with torch.no_grad():
        x = model.decode(z)
        experts = model.experts(x)
        joint = model.aggregate(experts)
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"z": z.flatten().tolist(), "count": 3,
                                "x": {name: v.flatten().tolist() for name, v in x.items()}}), encoding="utf-8")
    got = node("tests/support/live.mjs", tmp_path, file)
    for m, name in enumerate(x):
        np.testing.assert_allclose(got["decoded"][name], x[name].flatten(), atol=1e-4)
        np.testing.assert_allclose(got["encoded"][name]["loc"], experts.loc[m].flatten(), atol=1e-4)
        np.testing.assert_allclose(got["encoded"][name]["scale"], experts.scale[m].flatten(), atol=1e-4)
    np.testing.assert_allclose(got["joint"]["mean"], joint.mean[0], atol=1e-4)
    np.testing.assert_allclose(got["joint"]["scale"], joint.variance[0].sqrt(), atol=1e-4)


def test_names_of_points_stand_on_no_other_and_within_the_frame(tmp_path):
    spots, names = [[200, 100], [203, 104], [120, 9], [8, 220], [232, 232]], ["m0", "m1", "m2", "m3", "a long name"]
    file = tmp_path / "cases.json"
    file.write_text(json.dumps({"names": {"spots": spots, "names": names}}), encoding="utf-8")
    boxes = []
    for name, place in zip(names, node("tests/support/live.mjs", tmp_path, file)["names"], strict=True):
        wide = 8 * len(name)
        left = place["x"] - (wide if place["anchor"] == "end" else 0)
        boxes.append((left, place["y"] - 12, left + wide, place["y"] + 3))
        assert left >= 2
        assert left + wide <= 238
        assert place["y"] - 12 >= 2
        assert place["y"] + 3 <= 238
    apart = [a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
             for i, a in enumerate(boxes) for b in boxes[:i]]
    assert all(apart)


@pytest.mark.parametrize("given", [[1.0], "abc", [1.0, float("nan")], [1.0, 1e9], None, [1.0, "x"]])
def test_a_point_from_a_browser_is_looked_at(given):
    assert vector(given, 2) is None


def test_numbers_for_a_browser():
    picture = bvae.Modality("p", "image", (1, 1, 2))
    assert packed({"p": torch.tensor([[[0.0, 1.2]]])}, {"p": picture}) == {"p": "AP8="}
