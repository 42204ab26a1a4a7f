"""Models in a static edition: what they believe, draw and map is what the app computes."""

import gzip
import json
import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from bvae.app.edition import components, maps, networks, parts, rounding
from bvae.app.edition.files import Files
from bvae.app.edition.models import open_model, plain
from bvae.app.edition.parts import PARTS, Edition
from bvae.app.edition.parts.generate import SEED, drawn
from bvae.cli.publish import MODELS
from bvae.data import dataset
from bvae.data.drawings import LEVELS, SIZE, STEP
from bvae.export import folder
from bvae.maps.projections import pca
from tests.support import ROOT

pytestmark = pytest.mark.slow  # an edition is written for most of them
DATA, MODEL, ITEMS = "penguins", "mwb-vae", 8


@pytest.fixture(scope="module")
def published():
    return open_model(f"{DATA}/{MODEL}", ITEMS)


@pytest.fixture(scope="module")
def edition(published):
    """Pages of tables, without the lessons."""
    names = [name for name in parts.possible([published]) if name not in ("home", "learn", "playground")]
    assert names == ["explore", "latent_space", "compare"]  # nothing can be drawn
    made = Edition(Files(), [published], names)
    for name in names:
        PARTS[name].write(made)
    return made


def node(program, given):
    """What a node program makes of JSON."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    done = subprocess.run(["node", "--no-warnings", "--input-type=module", "-e", program], cwd=ROOT, text=True,
                          input=json.dumps(given), capture_output=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_carries_what_its_pages_ask_for(edition, published):
    files = edition.files
    about = networks.add_model(files, published)
    assert about["folder"] == f"models/{DATA}/{MODEL}/"
    manifest = json.loads(files[f"models/{DATA}/{MODEL}/model.json"])
    for modality in manifest["modalities"]:
        assert f"{about['folder']}{modality['decoder']['file']}" in files
        assert f"{about['folder']}{modality['encoder']['file']}" not in files
    networks.add_encoder(files, published, manifest["modalities"][0]["name"])
    assert f"{about['folder']}{manifest['modalities'][0]['encoder']['file']}" in files
    for name in files:
        if name.startswith("assets/") and name.endswith(".js"):
            for address in components.IMPORT.findall(files[name].decode().replace(".js", ".mjs")):
                assert f"assets/{address.removeprefix('./').replace('.mjs', '.js')}" in files, (name, address)


def test_items_show_what_the_app_shows(edition, published):
    found = json.loads(edition.files[f"data/{DATA}/items.json"])
    data = published.data
    assert found["items"] == published.items.tolist()
    assert [found["classes"][k] for k in found["labels"]] == [data.class_names[int(data.y[i])] for i in found["items"]]
    assert [view["name"] for view in found["views"]] == list(data.modalities)
    for m, view in enumerate(found["views"]):
        assert view["present"] == data.present[m, published.items].tolist()
        shown = view.get("texts") or edition.files[view["sheet"]["file"]]
        assert shown


def test_beliefs_are_the_models_in_half_precision(edition, published):
    stored = np.frombuffer(edition.files[f"models/{DATA}/{MODEL}/beliefs.bin"], "<f2").astype(np.float32)
    stored = stored.reshape(len(published.data.modalities), ITEMS, 2, published.model.latent_dim)
    loc, scale, there = (v[:, torch.from_numpy(published.items)].numpy() for v in published.experts)
    np.testing.assert_allclose(stored[:, :, 0][there], loc[there], rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(stored[:, :, 1][there], scale[there], rtol=1e-3)
    read = node("""import { fromHalves } from "./bvae/app/edition/browser/halves.mjs";
        const numbers = JSON.parse(await new Response(process.stdin).text());
        console.log(JSON.stringify([...fromHalves(Uint16Array.from(numbers))]));""",
                np.concatenate([stored.ravel(), [0, -0.0, 65504, 6e-8, -1.5e-5]]).astype("<f2").view("<u2").tolist())
    np.testing.assert_array_equal(np.float32(read)[:stored.size], stored.ravel())
    np.testing.assert_allclose(read[stored.size:], np.float16([0, 0, 65504, 6e-8, -1.5e-5]), rtol=1e-7)


@pytest.mark.parametrize("name", ["polymnist", "mnist-svhn-text"])
def test_any_drawing_is_made_of_its_levels(name):
    """As the browser does it: each cell takes the values that its level has there."""
    data = dataset(name, "test")
    about, values = drawn(SimpleNamespace(data=data))
    levels = torch.frombuffer(bytearray(values), dtype=torch.uint8).view(LEVELS, *about["shape"])
    drawing = torch.randint(LEVELS, (SIZE, SIZE), generator=torch.Generator().manual_seed(1))
    wanted = data.from_drawing((drawing * STEP).to(torch.uint8), about["view"], torch.Generator().manual_seed(SEED))[0]
    found = levels.gather(0, drawing.expand(1, about["shape"][0], SIZE, SIZE))[0].float() / 255
    torch.testing.assert_close(found, wanted, rtol=0, atol=1 / 255)
    assert list(data.modalities)[about["number"]] == about["view"]


def test_a_place_on_the_map_is_a_point_of_the_latent_space():
    points = np.random.default_rng(0).normal(size=(50, 6)) * [5, 3, 1, 1, 0.5, 0.1] + 2
    placed, _ = pca(points)
    origin, axes = maps.axes_of(points, placed)
    np.testing.assert_allclose(axes @ axes.T, np.eye(2), atol=1e-9)
    np.testing.assert_allclose((points - origin) @ axes.T, placed, atol=1e-9)


def test_the_plane_of_an_item_is_that_of_its_principal_components():
    generator = np.random.default_rng(1)
    points = generator.normal(size=(5, 16)) * np.linspace(3, 0.1, 16)
    scale = generator.uniform(0.1, 1, size=16)
    found = node("""
        import { ellipseOf, movedBy, placeOf, planeOf, shadowOf } from "./bvae/app/edition/browser/plane.mjs";
        const { points, scale } = JSON.parse(await new Response(process.stdin).text());
        const plane = planeOf(points);
        const moved = movedBy(plane, points[0], [0.5, -2]);
        const flat = planeOf(points.map((p) => p.slice(0, 2)));
        const one = planeOf([points[0], points[0]]);
        console.log(JSON.stringify({ places: points.map((p) => placeOf(plane, p)), moved: placeOf(plane, moved),
          shadow: shadowOf(plane, points[0], scale), axes: plane.axes, flat: flat.axes, one: one.axes,
          ellipse: ellipseOf([4, 0, 1]) }));""", {"points": points.tolist(), "scale": scale.tolist()})
    np.testing.assert_allclose(found["places"], pca(points)[0], atol=1e-4)
    np.testing.assert_allclose(found["moved"], np.add(found["places"][0], [0.5, -2]), atol=1e-5)
    axes = np.array(found["axes"])
    whole = axes @ np.diag(scale**2) @ axes.T
    np.testing.assert_allclose(found["shadow"]["cov"], [whole[0, 0], whole[0, 1], whole[1, 1]], atol=1e-9)
    assert found["flat"] == [[1, 0], [0, 1]]
    np.testing.assert_allclose(np.array(found["one"]) @ np.array(found["one"]).T, np.eye(2), atol=1e-9)
    assert found["ellipse"] == {"long": 2, "short": 1, "angle": 0}


def test_rounded_weights_decode_nearly_the_same(tmp_path):
    """Pictures of a model of the default edition, at the items' joint beliefs."""
    of = open_model(MODELS[0], 40)
    exact = folder.write(tmp_path / "made", of.checkpoint, of.data.name).parent
    q = of.model.aggregate(of.experts, of.model.aggregator.conditional())
    z = q.mean[::25].numpy()
    for m in range(len(of.data.modalities)):
        content = (exact / f"{m}-decoder.onnx").read_bytes()
        made = rounding.rounded(content)
        assert 0 < rounding.difference(content, made, z) < rounding.TOLERANCE
        assert len(gzip.compress(made)) < 0.9 * len(gzip.compress(content))


def test_names_become_addresses():
    assert plain("Zoë's birds/2024") == "zo-s-birds-2024"
    assert plain("...") == "x"
    with pytest.raises(ValueError, match="DATASET/MODEL"):
        open_model("polymnist", 5)
    with pytest.raises(ValueError, match="at least 1"):
        open_model("polymnist/mwb-vae", 0)
