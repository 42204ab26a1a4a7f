"""What Compare shows, computed without widgets: contenders, their numbers, their maps, and whose neighbours changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from bvae.aggregators.comparison import affordable_samples, entropy
from bvae.app.beliefs.scene import Scene, arrays, draw
from bvae.app.html import Markup, render
from bvae.app.loaders import pca
from bvae.gaussians import gaussian
from bvae.metrics.classifiers import Classifiers
from bvae.models.model import MultimodalVAE
from bvae.plots import posterior as plots
from bvae.plots import style
from bvae.runs.isolated import linked

FEWEST, MOST = 2, 6
NUM_NEIGHBOURS = 15
MOST_PICKED = 200
FIRST_MODELS = ("mvae", "mmvae", "wb-vae-tc")
FIRST_RULES = ("poe", "moe", "wasserstein")


@dataclass(frozen=True)
class Contender:
    """One column of the comparison.

    Attributes
    ----------
    key : str
        Registered name of the aggregator, or name of the checkpoint.
    title, short : str
        For a person; both differ between contenders.
    scene : Scene
    plane : plots.Plane
        Of its latent space.
    """

    key: str
    title: str
    short: str
    scene: Scene
    plane: plots.Plane

    @property
    def loc(self) -> np.ndarray:
        """(M, D)."""
        return self.scene.loc[:, 0].numpy()

    @property
    def scale(self) -> np.ndarray:
        """(M, D)."""
        return self.scene.scale[:, 0].numpy()

    @property
    def observed(self) -> list[bool]:
        """M."""
        return self.scene.present[:, 0].tolist()

    @property
    def width(self) -> float:
        """Mean standard deviation of the joint posterior."""
        return float(np.sqrt(arrays(self.scene.posterior, self.scene.rule_name, "").variance).mean())


def first_models(trained: Sequence[str]) -> list[str]:
    """The models that are compared at first, of those that are there."""
    return [name for name in FIRST_MODELS if name in trained] or list(trained[:3])


def contender(key: str, model_label: str, now: Scene, one_model: bool, plane_name: str) -> Contender:
    """A column of Compare.

    Parameters
    ----------
    key, model_label : str
        See `Contender.key`, and the checkpoint's name for a person.
    now : Scene
    one_model : bool
        Whether the contenders are rules on one model's experts.
    plane_name : str
        "dims" or "pca".
    """
    loc, scale = now.loc[:, 0].numpy(), now.scale[:, 0].numpy()
    plane = plots.dimension_plane(loc, scale) if plane_name == "dims" else plots.principal_plane(loc)
    if one_model:
        return Contender(key, style.title(key), style.short(key), now, plane)
    return Contender(key, f"{model_label}: {style.short(now.rule_name)}", model_label, now, plane)


def side_by_side_note(one_model: bool, dimensions: set[int], seed: int, judged: bool) -> str:
    """What is the same in all columns and what is not, in sentences.

    Parameters
    ----------
    one_model : bool
        See :func:`contender`.
    dimensions : set of int
        Sizes of the latent spaces.
    seed : int
    judged : bool
        Whether classifiers look at the generations.
    """
    return (("One latent space: all columns show the same plane. " if one_model else
             "Every model has a latent space of its own: the planes differ, only their span is the same. ")
            + (f"The noise is that of seed {seed} for all; sample 1 of every column starts from the same numbers."
               if len(dimensions) == 1 else
               f"Seed {seed} for all, but the latent spaces differ in size, so the noise cannot be the same.")
            + (" The decoders know only the rule they were trained with." if one_model else "")
            + (" Below each image: the class that a classifier of real images sees, and how sure it is."
               if judged else ""))


def allowed(picked: Sequence[str], options: Sequence[str], first: Sequence[str]) -> tuple[list[str], str]:
    """Two to six of the options, and a sentence if that is not what was picked.

    Parameters
    ----------
    picked : sequence of str
    options : sequence of str
        In the order in which they are shown.
    first : sequence of str
        What fills up a choice of fewer than two.
    """
    chosen = [o for o in options if o in picked]
    if len(chosen) > MOST:
        return chosen[:MOST], f"At most {MOST} fit side by side: the first {MOST} of those chosen are shown."
    if len(chosen) >= FEWEST or len(options) < FEWEST:
        return chosen or list(options[:1]), ""
    filled = {*chosen, *[o for o in [*first, *options] if o not in chosen][: FEWEST - len(chosen)]}
    return [o for o in options if o in filled], f"A comparison needs at least {FEWEST}: one was added."


# -- numbers ---------------------------------------------------------------------------------------------------------


@torch.inference_mode()
def imagined(
    columns: Sequence[tuple[MultimodalVAE, Scene]], num_samples: int, seed: int, judges: Classifiers | None
) -> list[tuple[dict[str, Tensor], dict[str, Tensor]]]:
    """What each contender generates and what the judges see in it, those of one model decoded together.

    Returns
    -------
    list of tuple of dict
        For each column view -> (S, ...), and see :func:`verdicts`.
    """
    found: list = [None] * len(columns)
    z = [draw(now, num_samples, seed).z for _, now in columns]
    for model in {id(model): model for model, _ in columns}.values():
        own = [i for i, (other, _) in enumerate(columns) if other is model]
        values = model.decode(torch.cat([z[i] for i in own]))
        seen = verdicts(judges, values)
        for place, i in enumerate(own):
            part = slice(place * num_samples, (place + 1) * num_samples)
            found[i] = tuple({view: of[part] for view, of in both.items()} for both in (values, seen))
    return found


def verdicts(judges: Classifiers | None, generated: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Class probabilities of generated images: name -> (S, num_classes); empty without judges."""
    return judges.probabilities(dict(generated)) if judges is not None else {}


def captions(p: Tensor, class_names: Sequence[str]) -> list[Markup]:
    """The most probable class of every image and its probability, as HTML: (S, num_classes) -> S texts."""
    best = p.max(dim=-1)
    return [render("judged", name=class_names[k], p=v)
            for k, v in zip(best.indices.tolist(), best.values.tolist(), strict=True)]


def numbers(
    contenders: Sequence[Contender], views: Sequence[str], seen: Mapping[str, Mapping[str, Tensor]] | None = None,
    label: int = 0, known: Sequence[bool] | None = None,
) -> tuple[pd.DataFrame, bool]:
    """All numbers of a comparison: one row per number, one column per contender.

    Parameters
    ----------
    contenders : sequence of Contender
    views : sequence of str
        M names.
    seen : mapping, optional
        Key of the contender -> see :func:`verdicts`.
    label : int
        Class of the item.
    known : sequence of bool, optional
        Which posteriors exist at all, observed or not; the others get no distances.

    Returns
    -------
    table : DataFrame
        "number", "of" and the contenders' short titles.
    exact : bool
        False if some of the numbers are estimates.
    """
    rows: dict[tuple[str, str], dict[str, float]] = {}
    known = known or [True] * len(views)
    exact = True
    for c in contenders:
        def put(number: str, of: str, value: float, column: str = c.short) -> None:
            rows.setdefault((number, of), {})[column] = value

        on = [v for v, o in zip(views, c.observed, strict=True) if o]
        experts = float(c.scale[c.observed].mean()) if on else 1.0
        surprise = entropy(c.scene.posterior, affordable_samples(c.scene.posterior))
        far = c.scene.distances()
        exact = exact and far.exact
        put("width: mean standard deviation", "joint", c.width)
        put("width over the mean width of the observed views", "joint", c.width / experts)
        put("entropy, nats", "joint", surprise.value.item())
        put("standard error of the entropy", "joint", surprise.error.item())
        if len(on) > 1:
            put("disagreement: spread of the means over the width", "observed views",
                float(plots.disagreement(c.loc[c.observed], c.scale[c.observed]).mean()))
        own = gaussian.entropy(c.scene.scale[:, 0]).tolist()
        for name, values in (("W2 to the joint", far.wasserstein2[:, 0].tolist()),
                             ("KL(joint ‖ view), nats", far.kl_from_aggregate[:, 0].tolist()),
                             ("KL(view ‖ joint), nats", far.kl_to_aggregate[:, 0].tolist()),
                             ("entropy of the view, nats", own)):
            for m, view in enumerate(views):
                if known[m]:
                    put(name, view if c.observed[m] else f"{view} (not observed)", values[m])
        for view, p in (seen or {}).get(c.key, {}).items():
            put("generations in which the judge sees the item's class, share", view,
                float((p.argmax(-1) == label).float().mean()))
            put("probability of the item's class, mean over the generations", view, float(p[:, label].mean()))
    columns = [c.short for c in contenders]
    table = pd.DataFrame([{"number": n, "of": of, **{c: values.get(c, np.nan) for c in columns}}
                          for (n, of), values in rows.items()])
    if exact:
        table = table[table["number"] != "standard error of the entropy"]
    return table.reset_index(drop=True), exact


def key_numbers(table: pd.DataFrame, column: str, hidden: Sequence[str]) -> dict[str, float]:
    """The few numbers that stand under a contender's picture.

    `hidden` are the views that were not observed: of generations, only theirs count; all views if there is none.
    """
    values = dict(zip(zip(table["number"], table["of"], strict=True), table[column], strict=True))
    out = {"width": values["width: mean standard deviation", "joint"],
           "entropy, nats": values["entropy, nats", "joint"]}
    near = [v for (number, of), v in values.items()
            if number == "W2 to the joint" and not of.endswith("(not observed)")]
    if near:
        out["mean W2 to the observed views"] = float(np.nanmean(near)) if not np.isnan(near).all() else np.nan
    judged = {of: v for (number, of), v in values.items() if number.startswith("probability of the item's class")}
    wanted = [v for of, v in judged.items() if of in hidden]
    if judged:
        out["p(right class)" + ", hidden views" * bool(wanted)] = float(np.mean(wanted or list(judged.values())))
    return out


def widest(widths: Mapping[str, float]) -> str:
    """Whose joint posterior is wide and whose is narrow, in a sentence; of names as they are, not Markdown."""
    shown = {name: f"{width:.2f}" for name, width in widths.items()}
    most, least = (shown[pick(widths, key=widths.get)] for pick in (max, min))
    if most == least:
        return f"All joint beliefs are equally wide here (standard deviation {most} on average)."

    def named(value: str) -> str:
        names = [f"**{name}**" for name, text in shown.items() if text == value]
        return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]

    return (f"The joint belief of {named(most)} is the widest here (standard deviation {most} on average), that of "
            f"{named(least)} the narrowest ({least}).")


# -- maps ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LinkedMap:
    """One contender's map of n items, laid over the reference's.

    Attributes
    ----------
    points : ndarray
        (n, 2), in the units of the reference.
    residual : float
        See `bvae.maps.alignment.Alignment`; 0 for the reference.
    moved : bool
        Whether the map had to be shifted, turned and scaled.
    titles : tuple of str
        Of the axes.
    changed : ndarray
        (n,) share of each item's nearest neighbours in the reference that are others here, in the full spaces.
    """

    points: np.ndarray
    residual: float
    moved: bool
    titles: tuple[str, str]
    changed: np.ndarray


def plane_maps(means: Sequence[np.ndarray], one_space: bool) -> tuple[list[np.ndarray], list[tuple[str, str]]]:
    """Flat maps of n items in several latent spaces: raw where D = 2, else PCA.

    In one space all maps use one plane, found from all of them together.

    Parameters
    ----------
    means : sequence of ndarray
        (n, D) each.
    one_space : bool
        Whether the latent dimensions are the same ones.
    """
    if all(m.shape[1] == 2 for m in means):
        return [m.astype(float) for m in means], [("latent dimension 0", "latent dimension 1")] * len(means)

    def titles(shares: np.ndarray) -> tuple[str, str]:
        return f"component 1 ({shares[0]:.0%})", f"component 2 ({shares[1]:.0%})"

    if one_space:
        points, shares = pca(np.concatenate(means))
        return np.split(points, len(means)), [titles(shares)] * len(means)
    flat = [pca(m) if m.shape[1] != 2 else (m.astype(float), None) for m in means]
    return [p for p, _ in flat], [titles(s) if s is not None else ("latent dimension 0", "latent dimension 1")
                                  for _, s in flat]


def link(
    means: Sequence[np.ndarray], flat: Sequence[np.ndarray], titles: Sequence[tuple[str, str]], comparable: bool,
    k: int = NUM_NEIGHBOURS,
) -> list[LinkedMap]:
    """Lay maps over the first one and count the neighbours that changed.

    Parameters
    ----------
    means : sequence of ndarray
        (n, D) each, the full spaces.
    flat : sequence of ndarray
        (n, 2) each, see :func:`plane_maps`.
    titles : sequence of tuple of str
    comparable : bool
        Whether the maps share their plane already, so that they must not be turned.
    k : int
        Number of neighbours.
    """
    out = []
    for points, names, (aligned, changed) in zip(flat, titles, linked(means, flat, k), strict=True):
        first = points is flat[0]
        moved = not (comparable or first)
        out.append(LinkedMap(aligned.points if moved else points, 0.0 if first else aligned.residual, moved, names,
                             changed))
    return out


def common_limits(maps: Sequence[LinkedMap]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Limits of both axes that hold every map, square."""
    points = np.concatenate([m.points for m in maps])
    low, high = points.min(axis=0), points.max(axis=0)
    middle, half = (low + high) / 2, (float((high - low).max()) / 2 or 1e-6) * 1.06
    return tuple((float(m - half), float(m + half)) for m in middle)


def changes(maps: Sequence[LinkedMap], columns: Sequence[str]) -> pd.DataFrame:
    """One row per map but the first: residual, mean share of changed neighbours and its standard error."""
    return pd.DataFrame([
        {"compared with " + columns[0]: name, "neighbours changed": m.changed.mean(),
         "standard error": m.changed.std(ddof=1) / np.sqrt(len(m.changed)) if len(m.changed) > 1 else np.nan,
         "residual of the alignment": m.residual}
        for m, name in zip(maps[1:], columns[1:], strict=True)
    ])


def most_changed(maps: Sequence[LinkedMap], other: int, items: np.ndarray) -> pd.DataFrame:
    """All items, those first whose neighbours changed most between the first map and map number `other`."""
    apart = np.linalg.norm(maps[other].points - maps[0].points, axis=1)
    table = pd.DataFrame({"item": items, "neighbours changed": maps[other].changed,
                          "distance between the maps": apart})
    return table.sort_values(["neighbours changed", "distance between the maps"], ascending=False, kind="stable",
                             ignore_index=True)


def items_in(text: str, total: int) -> list[int]:
    """Item numbers in a text such as "3, 17 20-24", in order, each once; whatever else it holds is left out."""
    found: dict[int, None] = {}
    for first, last in re.findall(r"(\d{1,9})(?:\s*-\s*(\d{1,9}))?", text[:4000]):
        for item in range(int(first), min(int(last or first), int(first) + MOST_PICKED) + 1):
            if item < total:
                found[item] = None
    return list(found)[:MOST_PICKED]


def as_text(items: Sequence[int]) -> str:
    """See :func:`items_in`. Of more than can be selected, as many from everywhere: items are sorted by class."""
    items = list(items)
    if len(items) > MOST_PICKED:
        items = [items[k * len(items) // MOST_PICKED] for k in range(MOST_PICKED)]
    return ", ".join(str(int(i)) for i in items)


# -- classes, pins, code ---------------------------------------------------------------------------------------------


def grouped(classes: Sequence[str], y: np.ndarray, most: int = 10) -> tuple[np.ndarray, list[str], list[str]]:
    """Groups for the colours of a map: at most `most`, the smallest classes together if there are more.

    Returns
    -------
    group : ndarray
        (n,) positions in `names`.
    names, colors : list of str
    """
    if not classes:
        return np.zeros(len(y), dtype=int), ["items"], [style.CLASS_COLORS[0]]
    if len(classes) <= most:
        return y, list(classes), list(style.CLASS_COLORS[: len(classes)])
    counts = np.bincount(y, minlength=len(classes))
    large = np.sort(np.argsort(-counts, kind="stable")[: most - 1])
    place = np.full(len(classes), most - 1)
    place[large] = np.arange(most - 1)
    names = [*(classes[i] for i in large), f"{len(classes) - most + 1} others"]
    return place[y], names, list(style.CLASS_COLORS[:most])


def compare_code(
    data_name: str, contenders: Sequence[tuple[str, str, Mapping[str, object] | None]], item: int,
    observed: Sequence[str], num_samples: int, seed: int,
) -> str:
    """A script that gives the joint posteriors, distances and generations of Compare.

    Parameters
    ----------
    contenders : sequence
        (name of the checkpoint, name of the rule, its options); options None for the rule as trained.
    """
    x = "{" + ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed) + "}"
    lines = ["import torch", "import bvae", "from bvae.aggregators.comparison import distances, entropy", "",
             f'data = bvae.dataset("{data_name}", split="test")', f"x = {x}  # what is observed",
             "joint, images = {}, {}"]
    one = len({model for model, _, _ in contenders}) == 1
    if one:
        lines.append(f'model = bvae.load("{data_name}", "{contenders[0][0]}")')
    if contenders[0][2] is None:
        rows = [f'name in {[model for model, _, _ in contenders]!r}:', f'    model = bvae.load("{data_name}", name)',
                "    rule, weights = model.aggregator, None"]
    else:
        rules = ", ".join(f'"{rule}": {dict(options)!r}' for _, rule, options in contenders)
        rows = [f"name, options in {{{rules}}}.items():", "    rule = bvae.aggregator(name, **options)",
                "    weights = torch.full((len(model.modalities),), 1 / len(model.modalities))"]
    lines.append("for " + rows[0])
    lines += rows[1:]
    if observed:
        lines += [
            "    q = joint[name] = model.shared(model.encode(x, aggregator=rule, weights=weights))",
            f"    images[name] = model.generate(x, num_samples={num_samples}, aggregator=rule, weights=weights,",
            f"                                  generator=torch.Generator().manual_seed({seed}))",
        ]
    else:
        lines += [
            "    # Nothing is observed: the joint posterior is the prior.",
            "    prior = torch.zeros(1, model.latent_dim)",
            "    q = joint[name] = model.shared(bvae.Posterior.gaussian(prior, prior + 1))",
            f"    z = torch.randn({num_samples}, 1, model.latent_dim, generator=torch.Generator().manual_seed({seed}))",
            "    images[name] = model.decode(z)",
        ]
    lines += [
        f"    experts = model.experts(data.subset(slice({item}, {item + 1})))",
        "    loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
        "    far = distances(loc, scale, q)",
        "    print(name, q.variance.sqrt().mean().item(), entropy(q).value.item(), far.wasserstein2[:, 0].tolist())",
    ]
    return "\n".join(lines)
