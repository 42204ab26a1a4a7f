"""Links that people have, page by page, with what each of them opens."""

from typing import Any, NamedTuple

from bvae.app.components.playground import scenes
from bvae.data import drawings


class Link(NamedTuple):
    """One link.

    Attributes
    ----------
    page : str or None
        Its script; None for Home.
    query : dict
        What the address holds.
    opens : dict
        Key of a control -> the value that it has then.
    says : tuple of str
        What the page writes then, in its text, in its pictures' descriptions or in the script of Reproduce.
    """

    page: str | None
    query: dict[str, Any]
    opens: dict[str, Any]
    says: tuple[str, ...] = ()


SEVEN = drawings.encode(drawings.EXAMPLES["a 7"])
VIEWS = ["m0", "m1", "m2", "m3", "m4"]
EVERY_VIEW = {"w": 1.0, "lie": "the truth", "how": "nothing", "much": 0.5}

LINKS = {
    "home": Link(None, {}, {}, ('bvae.aggregator("poe")', "[-2.91]")),
    "home, changed": Link(None, {"v": "1", "place": "-3.5", "width": "1.2", "rules": ["PoE", "Wasserstein"]},
                          {}, ("[-3.5]", "[[1.44]]", 'bvae.aggregator("poe")', 'bvae.aggregator("wasserstein")')),
    "explore": Link(
        "pages/explore.py", {},
        {"data": "polymnist", "model": "mwb-vae", "agg": "as-trained", "item": 342, "plane": "dims", "also": [],
         "n": 4, "seed": 0, "step": "answer", "views": VIEWS, "coping": False, "decode": "together",
         **{f"{key}_{view}": value for view in VIEWS for key, value in EVERY_VIEW.items()}},
        ("Posteriors of m0, m1, m2, m3, m4 in a plane", "[342:343]", "num_samples=4", "manual_seed(0)",
         'bvae.aggregator("mwb")')),
    "explore, all of its controls": Link(
        "pages/explore.py",
        {"v": "1", "data": "polymnist", "model": "WB-VAE (full set)", "agg": "MoPoE", "item": "7", "plane": "PCA",
         "also": ["PoE", "MoE"], "n": "2", "seed": "5", "views": ["m0", "m1", "m2"], "w_m0": "2.5", "lie_m1": "7",
         "how_m2": "noise", "much_m2": "0.3"},
        {"data": "polymnist", "model": "wb-vae", "agg": "mopoe", "item": 7, "plane": "pca", "also": ["poe", "moe"],
         "n": 2, "seed": 5, "views": ["m0", "m1", "m2"], "w_m0": 2.5, "w_m1": 1.0, "lie_m1": "7", "how_m2": "noise",
         "much_m2": 0.3},
        ("Posteriors of m0, m1, m2 in a plane", "[7:8]", "num_samples=2", "manual_seed(5)", 'bvae.aggregator("mopoe"',
         'bvae.load("polymnist", "wb-vae")', "a lie: of class 7", 'corruption.noise(x["m2"], 0.3',
         "How every rule fares")),
    "explore, step by step": Link(
        "pages/explore.py", {"step": "2 Weights", "dim": "5", "views": "m3", "coping": "true"},
        {"step": "weights", "dim": "5", "views": ["m3"], "coping": True}, ("Latent dimension z6: densities",)),
    "explore, as trained": Link("pages/explore.py", {"agg": "as trained: MWB"}, {"agg": "as-trained"},
                                ('bvae.aggregator("mwb")',)),
    "explore, by lot": Link("pages/explore.py", {"decode": "a group by lot", "how_m2": "occluded"},
                            {"decode": "lot", "how_m2": "occlude"},
                            ("z = q.rsample((4,)", "m2 is damaged (covered, 50%)")),
    "explore, nothing observed": Link("pages/explore.py", {"views": ""}, {"views": []},
                                      ("Nothing is observed: samples of the prior.",)),
    "explore, by the names of files": Link(
        "pages/explore.py", {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "views": ["mnist", "text"]},
        {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "views": ["mnist", "text"], "item": 342},
        ("Posteriors of mnist, text in a plane",)),
    "explore, nonsense": Link(
        "pages/explore.py", {"model": "../../etc", "agg": "<script>", "item": "-7", "views": "m9", "seed": "x",
                             "w_m0": "nan", "n": "1e9", "step": "9 Sleep"},
        {"model": "mwb-vae", "agg": "as-trained", "item": 342, "views": VIEWS, "seed": 0, "w_m0": 1.0, "n": 4,
         "step": "answer"}),
    "compare": Link(
        "pages/compare.py", {},
        {"data": "polymnist", "mode": "aggregators", "model": "mwb-vae", "item": 342, "plane": "dims", "n": 4,
         "seed": 0, "views": VIEWS[:4], "compared": ["poe", "moe", "wasserstein"], "part": "side",
         "all_views": False}, ("[342:343]", "num_samples=4", "manual_seed(0)")),
    "compare, all items": Link(
        "pages/compare.py", {"part": "All items"},
        {"part": "maps", "map": "pca", "picked": "", "changed": "moe", "views": VIEWS[:4]}, ("Map of 300 items",)),
    "compare, fool the rules": Link(
        "pages/compare.py", {"fool": "1"},
        {"part": "fool", "data": "polymnist", "model": "mwb-vae", "item": 342, "views": VIEWS[:4], "liar": "m0",
         "lie": "another", "shows": "0", "seed": 0}, ("[342:343]", "num_samples=8", "manual_seed(0)")),
    "compare, fool the rules, all of its controls": Link(
        "pages/compare.py",
        {"part": "Fool the rules", "model": "MMVAE", "item": "9", "views": ["m1", "m3"], "liar": "m3", "lie": "Noise",
         "much": "0.3", "seed": "3"},
        {"part": "fool", "model": "mmvae", "item": 9, "views": ["m1", "m3"], "liar": "m3", "lie": "noise", "much": 0.3,
         "seed": 3},
        ("[9:10]", 'corruption.noise(x["m3"], 0.3', 'bvae.load("polymnist", "mmvae")')),
    "compare, fool the rules with a drawing": Link(
        "pages/compare.py", {"fool": "1", "lie": "My drawing", "drawing": SEVEN}, {"lie": "drawn", "liar": "m0"},
        (SEVEN,)),
    "compare, all of its controls": Link(
        "pages/compare.py",
        {"data": "polymnist", "model": "wb-vae", "item": "9", "plane": "PCA", "n": "2", "seed": "3",
         "views": ["m1", "m3"], "compared": ["PoE", "Jeffreys", "MWB"], "map": "t-SNE", "perplexity": "15",
         "map_seed": "2", "picked": "3, 9", "changed": "MWB", "pin": "polymnist~mwb-vae~poe~m1.m2~5~3~2"},
        {"model": "wb-vae", "item": 9, "plane": "pca", "n": 2, "seed": 3, "views": ["m1", "m3"],
         "compared": ["poe", "jeffreys", "mwb"], "map": "tsne", "perplexity": 15, "map_seed": 2, "picked": "3, 9",
         "changed": "mwb"},
        ("[9:10]", "num_samples=2", "manual_seed(3)", "perplexity 15, seed 2", "1: MWB-VAE, PoE, item 5, m1, m2",
         '"jeffreys": {}', 'bvae.load("polymnist", "wb-vae")')),
    "compare, trained models": Link(
        "pages/compare.py", {"mode": "Trained models", "models": ["MVAE", "mwb-vae"], "item": "9", "views": "m4"},
        {"mode": "models", "models": ["mvae", "mwb-vae"], "item": 9, "views": ["m4"], "part": "side"},
        ("for name in ['mvae', 'mwb-vae']",)),
    "generate": Link(
        "pages/generate.py", {},
        {"task": "Translate", "data": "polymnist", "model": "mwb-vae-plus", "agg": "as-trained", "item": 342, "n": 3,
         "seed": 0, "from": ["m0", "m1"], "to": VIEWS}, ("x = data.subset([342])", "num_samples=3")),
    "generate, translate": Link(
        "pages/generate.py", {"task": "Translate", "agg": "PoE", "item": "5", "n": "1", "seed": "8", "from": "m4",
                              "to": ["m0", "m1"], "model": "MVAE"},
        {"model": "mvae", "agg": "poe", "item": 5, "n": 1, "seed": 8, "from": ["m4"], "to": ["m0", "m1"]},
        ("x = data.subset([5])", "for v in ['m4']}, targets=['m0', 'm1'], num_samples=1", "manual_seed(8)")),
    "generate, draw": Link(
        "pages/generate.py", {"task": "Draw or write", "drawing": SEVEN, "as": "m2", "centre": "false", "n": "2"},
        {"task": "Draw or write", "as": "m2", "centre": False, "n": 2},
        (f'drawings.decode("{SEVEN}")', 'data.from_drawing(drawing, "m2"')),
    "generate, write": Link(
        "pages/generate.py", {"task": "Draw or write", "data": "mnist-svhn-text", "input": "Type a text",
                              "text": "seven"},
        {"input": "Type a text", "text": "seven"}, ("data.encode_text('seven')",)),
    "generate, a row": Link(
        "pages/generate.py", {"task": "Edit a row", "data": "Penguins", "item": "5", "filled": ["beak", "life"],
                              "cells": "0.0:50_2.1:"},
        {"task": "Edit a row", "data": "penguins", "item": 5, "filled": ["beak", "life"], "cell_0_0": 50.0,
         "cell_2_1": None}, ("x['beak'][0, 0:1] = torch.tensor([50.0])", "sex: left open", "Your changes move")),
    "generate, between items": Link(
        "pages/generate.py", {"task": "Interpolate", "item": "3", "item2": "4", "noise": "true", "seed": "6"},
        {"task": "Interpolate", "item": 3, "item2": 4, "noise": True, "seed": 6, "path": "Between two items"},
        ("for i in (3, 4)", "manual_seed(6)")),
    "generate, between items at first": Link("pages/generate.py", {"task": "Interpolate"},
                                             {"item": 342, "item2": 700, "noise": False}, ("for i in (342, 700)",)),
    "generate, between views": Link(
        "pages/generate.py", {"task": "Interpolate", "path": "Between two views of an item", "view1": "m2",
                              "view2": "m4", "agg": "MoE"},
        {"path": "Between two views of an item", "view1": "m2", "view2": "m4", "agg": "moe"},
        ("weight_path(model, experts, 2, 4",)),
    "generate, invent": Link(
        "pages/generate.py",
        {"v": "1", "data": "PolyMNIST", "model": "MWB-VAE", "task": "Invent", "n": "5", "seed": "2"},
        {"task": "Invent", "n": 5, "seed": 2, "drawn": "prior"},
        ("z = torch.randn(5, model.latent_dim", "drawn from the bare prior:")),
    "generate, invent where items are": Link(
        "pages/generate.py", {"v": "1", "task": "Invent", "n": "5", "seed": "2", "drawn": "Where items are"},
        {"task": "Invent", "n": 5, "seed": 2, "drawn": "items"},
        ("images = model.sample(5, generator=torch.Generator().manual_seed(2))", "soft clouds")),
    "latent space": Link(
        "pages/latent_space.py", {},
        {"data": "polymnist", "model": "mwb-vae", "which": "joint", "map": "pca", "color": "class",
         "distance": "Euclidean", "picked": ""}, ('maps.posteriors(model, data, "joint")', '"pca")')),
    "latent space, all of its controls": Link(
        "pages/latent_space.py",
        {"model": "WB-VAE (full set)", "which": "m2", "map": "PCA", "color": "uncertainty", "distance": "W2",
         "picked": "3, 17, 20-24", "focus": "17"},
        {"model": "wb-vae", "which": "m2", "map": "pca", "color": "uncertainty", "distance": "W2",
         "picked": "3, 17, 20-24", "focus": 17},
        ('maps.posteriors(model, data, "m2")', "maps.nearest(found, 17, 6, wasserstein=True)",
         "coloured by uncertainty", "python -m bvae maps polymnist wb-vae --of m2 --map pca")),
    "latent space, the plane": Link(
        "pages/latent_space.py", {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "background": "text"},
        {"map": "plane", "background": "text", "which": "joint"}, ('maps.coordinates(found.loc, "plane")',)),
    "latent space, a walk": Link(
        "pages/latent_space.py",
        {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "look": "Walk the plane", "z": "1.2,-0.5"},
        {"look": "walk", "drag": "point", "classes": False}, ("places = torch.tensor([[1.2, -0.5]])",)),
    "latent space, a walk with beliefs": Link(
        "pages/latent_space.py",
        {"data": "mnist-svhn-text", "model": "MWB-VAE, 2-D", "look": "Walk the plane", "drag": "the views' beliefs",
         "beliefs": "-~0.5,1,4~-", "item": "7", "agg": "PoE", "views": ["mnist", "svhn"], "classes": "true"},
        {"look": "walk", "drag": "beliefs", "item": 7, "agg": "poe", "views": ["mnist", "svhn"], "classes": True},
        ("loc[1, 0] = torch.tensor([0.5, 1])", "scale[1, 0] *= 4", "present[[2]] = False", 'bvae.aggregator("poe"')),
    "latent space, who says what": Link(
        "pages/latent_space.py", {"data": "mnist-svhn-text", "model": "mwb-vae-2d", "look": "Who says what"},
        {"look": "who"}, ("fits = misfit(experts, model.shared_dim)", "Share of each view in the joint belief")),
    "latent space, t-SNE": Link(
        "pages/latent_space.py", {"map": "t-SNE", "perplexity": "30", "map_seed": "0"},
        {"map": "tsne", "perplexity": 30, "map_seed": 0}, ('"tsne", perplexity=30, seed=0',)),
    "latent space, attributes": Link(
        "pages/latent_space.py", {"data": "celeba", "color": "attribute", "attribute": "wearing hat",
                                  "which": "everything"},
        {"data": "celeba", "color": "attribute", "attribute": "Wearing_Hat", "which": "everything"},
        ("coloured by attribute",)),
    "bring": Link(
        "pages/your_data.py", {}, {"bring": "items", "bring_data": "penguins"}, ("344 items", "3 views")),
    "bring, another example": Link(
        "pages/your_data.py", {"bring": "Tables, pictures, texts, sounds", "bring_data": "Simulated cells"},
        {"bring": "items", "bring_data": "simulated-cells"}, ("1,500 items", "2 views")),
    "your data": Link(
        "pages/your_data.py", {"bring": "Beliefs of a model of yours"},
        {"bring": "beliefs", "show": "posterior", "my_item": 0, "my_rule": "wasserstein", "my_plane": "dims",
         "my_views": VIEWS, "my_w_m0": 1.0}, ("(v[:, 0:1] for v in data.experts)", "for name in ['wasserstein']")),
    "your data, posteriors": Link(
        "pages/your_data.py", {"my_item": "7", "my_rule": "PoE", "my_plane": "PCA", "my_views": ["m1", "m2"],
                               "my_w_m1": "3"},
        {"my_item": 7, "my_rule": "poe", "my_plane": "pca", "my_views": ["m1", "m2"], "my_w_m1": 3.0},
        ("(v[:, 7:8] for v in data.experts)", "[False, True, True, False, False]", "torch.tensor([0.142857, 0.428571")),
    "your data, map": Link(
        "pages/your_data.py", {"show": "Latent space", "my_which": "m3", "my_map": "t-SNE", "my_perplexity": "15",
                               "my_map_seed": "4"},
        {"bring": "beliefs", "show": "map", "my_which": "m3", "my_map": "tsne", "my_perplexity": 15, "my_map_seed": 4},
        ("tsne(means, perplexity=15, seed=4)", "for m in [3]")),
    "your data, clouds": Link(
        "pages/your_data.py", {"show": "Latent space", "my_which": "each modality alone", "my_color": "class"},
        {"my_which": "each modality alone", "my_color": "class", "my_map": "pca"}, ("coloured by class",)),
    "your data, comparison": Link(
        "pages/your_data.py", {"show": "Compare aggregators", "my_rules": ["PoE", "MWB"], "my_item": "5",
                               "my_views": "m1", "picked": "1, 2"},
        {"show": "comparison", "my_rules": ["poe", "mwb"], "my_item": 5, "my_views": ["m1"], "picked": "1, 2"},
        ("(v[:, 5:6] for v in data.experts)", "for name in ['poe', 'mwb']")),
    "benchmarks": Link("pages/benchmarks.py", {},
                       {"data": "polymnist", "curve": "coherence", "bars": "test items", "missing": 0,
                        "first": "mwb-vae", "second": "mopoe-vae"}),
    "benchmarks, all of its controls": Link(
        "pages/benchmarks.py", {"methods": ["MVAE", "MWB-VAE"], "curve": "Latent accuracy, one probe",
                                "bars": "seeds", "first": "MVAE", "second": "MWB-VAE"},
        {"methods": ["mvae", "mwb-vae"], "curve": "latent_accuracy_one_probe", "bars": "seeds", "first": "mvae",
         "second": "mwb-vae"}, ("for name in ['mvae', 'mwb-vae']", 'metrics.get("latent_accuracy_one_probe"')),
    "train": Link("pages/train.py", {},
                  {"train_data": "polymnist", "train_method": "mwb-vae", "train_seed": 0, "train_missing": 0.0,
                   "train_d": 32}),
    "train, all of its controls": Link(
        "pages/train.py",
        {"train_data": "mnist-svhn-text", "train_method": "MMVAE+", "train_steps_mmvae-plus": "123", "train_d": "7",
         "train_beta": "1.5", "train_rate": "0.003", "train_seed": "4", "train_width_mnist-svhn-text": "8",
         "train_batch": "20", "train_missing": "0.25"},
        {"train_data": "mnist-svhn-text", "train_method": "mmvae-plus", "train_steps_mmvae-plus": 123, "train_d": 7,
         "train_beta": 1.5, "train_rate": 0.003, "train_seed": 4, "train_width_mnist-svhn-text": 8, "train_batch": 20,
         "train_missing": 0.25},
        ("--steps 123", "latent_dim=7", "learning_rate=0.003", "missing=0.25", "beta=1.5", "seed=4", "width=8")),
    "playground": Link("pages/playground.py", {}, {"playground_preset": scenes.FIRST}),
    "playground, a scene": Link(
        "pages/playground.py", {"scene": scenes.encode(scenes.preset("camps"))}, {"playground_preset": "camps"},
        ("Two experts left, two right.",)),
    "learn": Link("pages/learn.py", {}, {}, ("Learn",)),
    "learn, a lesson": Link("pages/learn.py", {"lesson": "poe", "step": "1"}, {}, ("over-confidence of products",)),
}
