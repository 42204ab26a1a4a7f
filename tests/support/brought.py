"""Folders as a person brings them: three CSV files with gaps, and pictures with captions."""

from pathlib import Path

import numpy as np
from PIL import Image

from bvae.data.own import register
from bvae.data.own.initialise import initialise
from bvae.data.own.registering import FOLDERS
from bvae.training import Settings
from bvae.training.loop import train

TINY = {"latent_dim": 2, "width": 8, "batch_size": 8, "steps": 6, "warmup_steps": 1, "validation": 0.2,
        "precision": "32-true"}


def tables(root, name="beasts", items=40, labels=True):
    """Numbers, counts and words in three files; every fifth item lacks a file, cells have gaps. The folder."""
    folder = Path(root) / name
    folder.mkdir(parents=True)
    noise = np.random.default_rng(0)
    size = noise.normal(50, 9, items)
    rows = range(items)
    kinds = ["Cat", "Dog", "Newt"]
    (folder / "head.csv").write_text("beast,ear_mm,nose_mm\n" + "".join(
        f"B{k},{size[k] / 5:.1f},{'' if k % 7 == 3 else f'{size[k] / 9 + noise.normal():.2f}'}\n"
        for k in rows if k % 5))
    (folder / "body.csv").write_text("beast,mass_g,length_mm,warts\n" + "".join(
        f"B{k},{size[k] * 70:.0f}.5,{size[k] * 2 + noise.normal():.1f},{noise.poisson(5)}\n"
        for k in reversed(rows) if k % 5 != 2))
    (folder / "life.csv").write_text("beast,island,sex" + ",species" * labels + "\n" + "".join(
        f"B{k},{['Uist', 'Mull', 'Skye'][int(size[k]) % 3]},{'' if k % 6 == 1 else 'fm'[k % 2]}"
        + f",{kinds[int(size[k] // 3) % 3]}" * labels + "\n" for k in rows))
    initialise(folder)
    return folder


def captions(root, name="shapes", items=30):
    """Small pictures named by id and a table with a caption and a label for each; some pictures lack. The folder."""
    folder = Path(root) / name
    (folder / "photo").mkdir(parents=True)
    noise = np.random.default_rng(1)
    lines = ["shape,caption,color"]
    for k in range(items):
        color = k % 3
        pixels = noise.integers(0, 60, (12, 10, 3), dtype=np.uint8)
        pixels[..., color] += 150
        if k % 6:
            Image.fromarray(pixels).save(folder / "photo" / f"S{k}.png")
        told = ("a red one", "it is green", '"blue, like the sea"')[color]
        lines.append(f"S{k},{told},{'rgb'[color]}")
    (folder / "words.csv").write_text("\n".join(lines) + "\n")
    (folder / "bvae.toml").write_text(
        f'name = "{name}"\nid = "shape"\nlabels = ["color"]\n[modalities.photo]\nfolder = "photo"\n'
        '[modalities.caption]\nfile = "words.csv"\nkind = "text"\n')
    return folder


def trained(folder, *methods, **changes):
    """Register a folder and train tiny models on it, where the command line saves them; its name."""
    name = register(folder)
    for method in methods:
        settings = Settings.for_method(name, method, **{**TINY, **changes})
        train(settings, FOLDERS[name] / "models" / name / method, progress=False)
    return name
