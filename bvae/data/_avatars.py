"""Avatars: drawn faces with attributes that are known exactly, worded as CelebA's are. Not CelebA, not photographs.

Every face is put together from the parts of Pablo Stanley's avataaars, which the package python_avatars (MIT) holds,
and turned into pixels by resvg (resvg_py, MIT). The attributes come first, each from probabilities of its own; the
parts follow from them, and whatever the attributes leave open (clothes, colours, shape of the nose, which short hair)
varies as style. Where a part would hide another (a hat the hair, dark lenses the eyes), the hidden attribute is False,
so that all that is said of a face can be seen in it.

This file runs as a program too: a process that draws a share of the faces (see :func:`draw`). So nothing here imports
PyTorch before it is needed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

SIZE = 64
COUNTS = {"train": 5000, "test": 1000}
SEEDS = {"train": 20488, "test": 20487}
ATTRIBUTES = (
    # In alphabetical order, as CelebA's are. A mustache is hair on the upper lip: every beard here has one.
    "Arched_Eyebrows", "Bald", "Black_Hair", "Blond_Hair", "Brown_Hair", "Closed_Eyes", "Dark_Skin", "Eyeglasses",
    "Gray_Hair", "Long_Hair", "Mouth_Slightly_Open", "Mustache", "No_Beard", "Pale_Skin", "Smiling", "Sunglasses",
    "Wearing_Hat",
)
HAIR_COLORS = ("Black_Hair", "Blond_Hair", "Brown_Hair", "Gray_Hair")

# Parts, by the names that python_avatars gives them. Those that look alike at 64 x 64 are left out.
SHORT = ("CAESAR_SIDE_PART", "SHORT_CURLY", "SHORT_DREADS_1", "SHORT_FLAT", "SHORT_ROUND", "SHORT_WAVED", "PIXIE",
         "POMPADOUR", "QUIFF", "MOWGLI")
LONG = ("CURLY", "DREADS", "LONG_NOT_TOO_LONG", "MIA_WALLACE", "STRAIGHT_1", "STRAIGHT_STRAND")
HATS = ("HAT", "WINTER_HAT_1", "WINTER_HAT_2", "WINTER_HAT_3", "WINTER_HAT_4")
MOUTHS = {  # (smiling, open)
    (False, False): ("SAD",), (True, False): ("TWINKLE",),
    (False, True): ("SCREAM_OPEN",), (True, True): ("SMILE", "BIG_SMILE"),
}
EYES = {False: ("DEFAULT", "SIDE", "SURPRISED", "SQUINT"), True: ("CLOSED", "HAPPY")}
EYEBROWS = {False: ("FLAT_NATURAL", "ANGRY_NATURAL"), True: ("RAISED_EXCITED", "RAISED_EXCITED_NATURAL")}
BEARDS, MUSTACHES = ("BEARD_LIGHT", "BEARD_MEDIUM", "BEARD_MAGESTIC"), ("MOUSTACHE_FANCY", "MOUSTACHE_MAGNUM")
LENSES, DARK_LENSES = ("PRESCRIPTION_1", "PRESCRIPTION_2", "ROUND"), ("KURT", "SUNGLASSES", "WAYFARERS")
NOSES = ("DEFAULT", "SMALL", "WIDE")
CLOTHES = ("SHIRT_CREW_NECK", "SHIRT_SCOOP_NECK", "SHIRT_V_NECK", "HOODIE", "BLAZER_SHIRT", "COLLAR_SWEATER", "OVERALL")
# Colours in the middle of each class; a face has its own shade near one of them.
SHADES = {
    "Black_Hair": ((38, 26, 24), (22, 22, 28)), "Blond_Hair": ((232, 196, 92), (244, 216, 124)),
    "Brown_Hair": ((122, 62, 30), (146, 80, 40)), "Gray_Hair": ((165, 165, 168), (196, 196, 200)),
    "Pale_Skin": ((255, 230, 210), (250, 222, 204)), "Dark_Skin": ((104, 74, 62), (122, 88, 72)),
    "": ((233, 180, 136), (216, 158, 112)),
}
NUM_CHOICES = 26
FRAME = "36 12 192 192"  # what is seen of the drawing's 264 x 280 units: x, y, width, height


def sample(rng: np.random.Generator) -> dict[str, bool]:
    """Attributes of one face, in the order of :data:`ATTRIBUTES`."""
    u = dict(zip(("top", "color", "length", "brow", "eyes", "skin", "lenses", "beard", "open", "smile"),
                 rng.random(10), strict=True))
    hat, bald = u["top"] < 0.13, 0.13 <= u["top"] < 0.25
    hair = not (hat or bald)
    color = HAIR_COLORS[int(np.searchsorted((0.28, 0.54, 0.80), u["color"], side="right"))]
    dark_lenses = u["lenses"] < 0.16
    held = {
        "Arched_Eyebrows": u["brow"] < 0.4, "Bald": bald, **{name: hair and name == color for name in HAIR_COLORS},
        "Closed_Eyes": u["eyes"] < 0.25 and not dark_lenses, "Dark_Skin": u["skin"] < 0.3,
        "Eyeglasses": 0.16 <= u["lenses"] < 0.42, "Long_Hair": hair and u["length"] < 0.45,
        "Mouth_Slightly_Open": u["open"] < 0.5, "Mustache": u["beard"] < 0.36, "No_Beard": u["beard"] >= 0.2,
        "Pale_Skin": u["skin"] >= 0.7, "Smiling": u["smile"] < 0.5, "Sunglasses": dark_lenses, "Wearing_Hat": hat,
    }
    return {name: bool(held[name]) for name in ATTRIBUTES}


def svg(held: dict[str, bool], choices: np.ndarray) -> str:
    """The drawing of a face.

    Parameters
    ----------
    held : dict
        Attribute -> does it hold, for all :data:`ATTRIBUTES`.
    choices : ndarray
        (26,) numbers in [0, 1) that decide what the attributes leave open. Each has one purpose, so that two faces
        with the same choices differ only in what their attributes change.
    """
    import python_avatars as parts

    u = iter(choices)

    def pick(kind: Any, names: Sequence[str]) -> Any:
        return getattr(kind, names[int(next(u) * len(names))])

    def shade(name: str, spread: float = 16.0) -> str:
        first, second = np.array(SHADES[name])
        between = first + next(u) * (second - first) + spread * (next(u) - 0.5)
        return "#{:02X}{:02X}{:02X}".format(*between.round().clip(0, 255).astype(int))

    def paint(low: float, high: float) -> str:
        levels = low + (high - low) * np.array([next(u) for _ in range(3)])
        return "#{:02X}{:02X}{:02X}".format(*levels.round().astype(int))

    short, long, hat = (pick(kind, names) for kind, names in (
        (parts.HairType, SHORT), (parts.HairType, LONG), (parts.HatType, HATS)))
    top = hat if held["Wearing_Hat"] else parts.HairType.NONE if held["Bald"] else long if held["Long_Hair"] else short
    color = next((name for name in HAIR_COLORS if held[name]), None)
    hidden_color = HAIR_COLORS[int(next(u) * len(HAIR_COLORS))]  # of the beard of a face without hair
    beard, mustache = pick(parts.FacialHairType, BEARDS), pick(parts.FacialHairType, MUSTACHES)
    facial_hair = (beard if not held["No_Beard"] else mustache if held["Mustache"] else parts.FacialHairType.NONE)
    clear, dark = pick(parts.AccessoryType, LENSES), pick(parts.AccessoryType, DARK_LENSES)
    accessory = dark if held["Sunglasses"] else clear if held["Eyeglasses"] else parts.AccessoryType.NONE
    eyes = pick(parts.EyeType, EYES[held["Closed_Eyes"]])
    skin = next((name for name in ("Pale_Skin", "Dark_Skin") if held[name]), "")
    hair_color = shade(color or hidden_color)
    drawing = parts.Avatar(
        style=parts.AvatarStyle.TRANSPARENT, top=top, facial_hair=facial_hair, accessory=accessory,
        eyes=parts.EyeType.DEFAULT if held["Sunglasses"] else eyes,
        eyebrows=pick(parts.EyebrowType, EYEBROWS[held["Arched_Eyebrows"]]),
        mouth=pick(parts.MouthType, MOUTHS[held["Smiling"], held["Mouth_Slightly_Open"]]),
        nose=pick(parts.NoseType, NOSES), clothing=pick(parts.ClothingType, CLOTHES),
        skin_color=shade(skin), hair_color=hair_color, facial_hair_color=hair_color,
        clothing_color=paint(30, 240), hat_color=paint(30, 230),
    ).render()
    ground = paint(140, 248)
    head, _, body = drawing.partition(">")
    head = re.sub(r' (width|height)="[^"]*"', "", re.sub(r'viewBox="[^"]*"', f'viewBox="{FRAME}"', head))
    return f'{head}><rect width="264" height="280" fill="{ground}"/>{body}'


def render(held: dict[str, bool], choices: np.ndarray) -> np.ndarray:
    """(64, 64, 3) uint8. See :func:`svg`."""
    import resvg_py
    from PIL import Image

    png = resvg_py.svg_to_bytes(svg_string=svg(held, choices), width=SIZE, height=SIZE, skip_system_fonts=True)
    with Image.open(io.BytesIO(bytes(png))) as image:
        return np.array(image.convert("RGB"))


def face(seed: int, n: int) -> tuple[dict[str, bool], np.ndarray]:
    """Attributes and choices of face n, which depend on (seed, n) alone."""
    rng = np.random.default_rng([seed, n])
    return sample(rng), rng.random(NUM_CHOICES)


def attributes(count: int, seed: int) -> np.ndarray:
    """(count, A) bool."""
    return np.array([list(face(seed, n)[0].values()) for n in range(count)])


def draw(count: int, seed: int, workers: int | None = None) -> np.ndarray:
    """All faces, drawn by several processes with a progress bar on stderr.

    Parameters
    ----------
    count, seed : int
        Faces 0 to count - 1 of this seed.
    workers : int, optional
        Processes; by default one for each CPU that this process may use, and none of their own for a few faces.

    Returns
    -------
    ndarray
        (count, 64, 64, 3) uint8.

    Raises
    ------
    ChildProcessError
        If a process ended early.
    """
    from tqdm import tqdm

    if workers is None:
        cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        workers = min(cpus, count // 250)
    out = np.empty((count, SIZE, SIZE, 3), np.uint8)
    pictures = (render(*face(seed, n)) for n in range(count)) if workers <= 1 else _from_processes(count, seed, workers)
    with contextlib.closing(pictures):
        for n, picture in enumerate(tqdm(pictures, "drawing avatars", count, unit="face", disable=count < 250)):
            out[n] = picture
    return out


def _from_processes(count: int, seed: int, workers: int) -> Generator[np.ndarray]:
    # Processes of their own, not a pool: a forked copy of a program with threads may hang, and a spawned one would run
    # the program's main module again, which a notebook or a short script is not prepared for.
    command = [sys.executable, "-P", __file__, str(count), str(seed), str(workers)]
    running = [subprocess.Popen([*command, str(k)], stdout=subprocess.PIPE) for k in range(workers)]
    pipes = [process.stdout for process in running if process.stdout]
    try:
        for n in range(count):
            data = pipes[n % workers].read(SIZE * SIZE * 3)
            if len(data) < SIZE * SIZE * 3:
                raise ChildProcessError(f"the process that draws avatars ended early, at face {n}; its last words are "
                                        "above. Are python_avatars and resvg_py installed (pip install 'bvae[data]')?")
            yield np.frombuffer(data, np.uint8).reshape(SIZE, SIZE, 3)
    finally:
        for process, pipe in zip(running, pipes, strict=True):
            process.kill()
            pipe.close()
            process.wait()


# -- the cache ------------------------------------------------------------------------------------------------------


def cache_folder() -> Path | None:
    """$BVAE_CACHE, else the platform's folder for caches; None if there is no home directory."""
    if chosen := os.environ.get("BVAE_CACHE"):
        return Path(chosen)
    try:
        home = Path.home()
    except RuntimeError:
        return None
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bvae"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home / "AppData" / "Local")) / "bvae" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "bvae"


def recipe(count: int, seed: int) -> str:
    """A hash of all that decides the pictures: this file, the packages that hold the parts and draw, count and seed."""
    from importlib.metadata import version

    words = [hashlib.sha256(Path(__file__).read_bytes()).hexdigest(), version("python_avatars"), version("resvg_py"),
             str(count), str(seed)]
    return hashlib.sha256(" ".join(words).encode()).hexdigest()


def avatars(split: str, count: int | None = None) -> tuple[Tensor, Tensor]:
    """The faces of a split and what holds of them; the whole split is read from the cache if it is there.

    A cache that is damaged, or of another recipe, is drawn anew and replaced. Without a folder that can be written,
    the faces are drawn each time.

    Parameters
    ----------
    split : {"train", "test"}
    count : int, optional
        The first so many only; they are not cached.

    Returns
    -------
    Tensor
        (N, 3, 64, 64) uint8.
    Tensor
        (N, A) bool, see :data:`ATTRIBUTES`.
    """
    import torch

    from bvae.io.storage import StorageError, read_tensors_and_metadata, write_tensors

    total, seed = COUNTS[split], SEEDS[split]
    wanted = total if count is None else min(count, total)
    folder = cache_folder()
    path = None if folder is None else folder / f"avatars-{split}.safetensors"
    held = torch.from_numpy(attributes(wanted, seed))
    key = recipe(total, seed)
    if path is not None and path.is_file():
        try:
            tensors, facts = read_tensors_and_metadata(path)
            pictures = tensors["images"]
            digest = hashlib.sha256(pictures.numpy().data).hexdigest()
            if (facts.get("recipe"), facts.get("sha256")) == (key, digest) and pictures.shape == (total, 3, SIZE, SIZE):
                return pictures[:wanted], held
        except (StorageError, KeyError, TypeError):  # whatever it is: it is drawn anew
            pass
    pictures = torch.from_numpy(draw(wanted, seed)).permute(0, 3, 1, 2).contiguous()
    if path is not None and wanted == total:
        with contextlib.suppress(OSError, StorageError):  # a full disk or a folder that may not be written
            digest = hashlib.sha256(pictures.numpy().data).hexdigest()
            write_tensors(path, {"images": pictures}, {"recipe": key, "sha256": digest})
    return pictures, held


if __name__ == "__main__":
    _count, _seed, _workers, _k = map(int, sys.argv[1:])
    for _n in range(_k, _count, _workers):
        sys.stdout.buffer.write(render(*face(_seed, _n)).tobytes())
