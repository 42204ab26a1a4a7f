"""The walk through one sample in five steps: what each says, with the sample's numbers. Widgets at the end."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch
from torch import Tensor

from bvae.aggregators import naming
from bvae.aggregators.subsets import SubsetMixture, subset_membership
from bvae.aggregators.worked import OneDimension, Worked, aligned, components, factor, normal, number
from bvae.app.beliefs.item_beliefs import Draw, ItemBeliefs
from bvae.app.state import Form
from bvae.app.widgets.choose import rewrite
from bvae.gaussians.dimensions import z_name
from bvae.models.vae import MultimodalVAE
from bvae.plots import style
from bvae.plots.posterior import Aggregate

ANSWER, EXPERTS, WEIGHTS, BARYCENTER, SAMPLE, DECODE = STEPS = (
    "answer", "experts", "weights", "barycenter", "sample", "decode")
LABELS = {ANSWER: "The answer", EXPERTS: "1 Experts", WEIGHTS: "2 Weights", BARYCENTER: "3 Barycenter",
          SAMPLE: "4 Sample", DECODE: "5 Decode"}
MOST_SAMPLES = 4  # that are written out
MOST_DISAGREED = "most disagreement"
LIKELIHOODS = {
    "normal": r"\mathcal N(x;\, f(z),\, {scale}^2)", "laplace": r"\mathrm{{Laplace}}(x;\, f(z),\, {scale})",
    "bernoulli": r"\mathrm{{Bernoulli}}(x;\, f(z))", "categorical": r"\mathrm{{Categorical}}(x;\, f(z))",
}


class Told(NamedTuple):
    """One step.

    Attributes
    ----------
    sentence : str
        Markdown: what happens.
    formula : str
        LaTeX, in general.
    filled : str
        LaTeX with this sample's numbers.
    note : str
        Markdown below it, or nothing.
    """

    sentence: str
    formula: str
    filled: str
    note: str = ""


def tell(
    step: str, scene: ItemBeliefs, model: MultimodalVAE, views: Sequence[str], raw: Sequence[float], d: int,
    drawn: Draw, honest: dict[str, Tensor],
) -> Told:
    """A step's sentence and formulas.

    Parameters
    ----------
    step : str
        One of the five.
    scene : ItemBeliefs
    model : MultimodalVAE
    views : sequence of str
        M.
    raw : sequence of float
        The weights as the sliders have them.
    d : int
        The latent dimension whose numbers are shown.
    drawn : Draw
    honest : dict of str to Tensor
        (1, ...): the item's views, observed or not, as they are in truth.
    """
    if step == EXPERTS:
        return _experts(scene, views, d)
    if step == WEIGHTS:
        return _weights(scene, views, raw, d)
    if step == BARYCENTER:
        return _barycenter(scene, views, d)
    if step == SAMPLE:
        return _sample(scene, d, drawn)
    return _decode(model, views, drawn, honest)


def in_dimension(scene: ItemBeliefs, d: int, views: Sequence[str]) -> OneDimension:
    """The scene in dimension d, as its rule's formula is filled in."""
    experts = scene.rule.prepare(scene.loc, scene.scale, scene.present, scene.used)
    return OneDimension(experts, scene.posterior, d, [named(view, m) for m, view in enumerate(views)])


def work_out(scene: ItemBeliefs, d: int, views: Sequence[str]) -> Worked:
    """The scene's rule in dimension d; N(0, 1) if nothing is observed."""
    case = in_dimension(scene, d, views)
    if not len(case.places):
        return Worked([r"q(z) &= \mathcal N(0, 1), \; \text{the prior}"], 0.0, 1.0)
    return scene.rule.worked_formula(case)


def named(view: str, m: int) -> str:
    """A modality's name in its colour, LaTeX."""
    return rf"\textcolor{{{style.color(m)}}}{{\text{{{re.sub(r'[^A-Za-z0-9 .-]', ' ', view)}}}}}"


def _experts(scene: ItemBeliefs, views: Sequence[str], d: int) -> Told:
    lines = [rf"q_{{{named(v, m)}}}(z_{{{d + 1}}}) &= {normal(scene.loc[m, 0, d].item(), scene.scale[m, 0, d].item())}"
             for m, v in enumerate(views) if scene.present[m, 0]]
    return Told("**Every observed view is encoded alone:** its encoder answers with a normal distribution over z, and "
                "knows nothing of the other views.",
                r"q_m(z \mid x_m) = \mathcal N\big(z;\, \mu_m(x_m),\, \operatorname{diag} \sigma_m^2(x_m)\big)",
                aligned(lines or [r"&\text{Nothing is observed: there is no expert.}"]))


def _weights(scene: ItemBeliefs, views: Sequence[str], raw: Sequence[float], d: int) -> Told:
    e = in_dimension(scene, d, views)
    there = [m for m in range(len(views)) if scene.present[m, 0]]
    total = sum(raw[m] for m in there)
    note = ""
    of_subsets = scene.used is not None and len(scene.used) != len(scene.loc)
    if not there:
        lines = [r"&\text{Nothing is observed: there is nothing to weigh.}"]
    elif scene.used is None or of_subsets:
        lines = [rf"w_m &= \tfrac1{len(there)} = {number(1 / len(there))} \quad \text{{for every observed view}}"]
    elif scene.weights is None:
        lines = [f"w_{{{n}}} &= {number(w)}" for n, w in zip(e.names, e.w, strict=True)]
        note = "These weights belong to the model."
    else:
        w = iter(e.w)
        lines = [rf"w_{{{named(views[m], m)}}} &= \tfrac{{{number(raw[m])}}}{{{number(total)}}} = "
                 rf"{number(next(w)) if raw[m] > 0 else 0}" for m in there]
    weights, _, _ = components(scene.posterior, d)
    if isinstance(scene.rule, SubsetMixture) and there:
        lines.append(rf"w_S &= {number(weights.min())}" + (
            rf" \;\text{{to}}\; {number(weights.max())}" if np.ptp(weights) > 1e-6 else "")
            + rf" \quad \text{{for each of {len(weights)} subsets}}")
        note = ("The mixture has one component for every non-empty subset of the observed views. Inside a subset the "
                "views weigh as above." + (" The weights of the subsets are learned." if of_subsets else ""))
    elif len(weights) > 1:
        note = f"The joint posterior is a mixture of {len(weights)} components; their weights are beside it."
    if scene.rule.conditional().counts_experts and len(e.w):
        note += (" This rule also counts its experts: an expert's exponent is their number times its weight, "
                 f"{' and '.join(dict.fromkeys(f'{len(e.w) * w:.3g}' for w in e.w))}.")
    return Told("**Weights say how much each view counts.** They sum to 1 over the observed views, so a view that is "
                "switched off leaves its share to the others.",
                r"w_m \ge 0, \qquad \sum_{m\ \text{observed}} w_m = 1", aligned(lines), note)


def _barycenter(scene: ItemBeliefs, views: Sequence[str], d: int) -> Told:
    rule = scene.rule
    what = f" {naming.title(scene.rule_name)} minimises: {rule.divergence}." if rule.divergence else ""
    return Told(f"**All experts become one joint belief.**{what}", rule.formula,
                aligned(work_out(scene, d, views).lines))


def _sample(scene: ItemBeliefs, d: int, drawn: Draw) -> Told:
    q, many = scene.latent, scene.latent.num_components > 1
    lines = []
    for s in range(min(len(drawn.z), MOST_SAMPLES)):
        k = int(drawn.component[s])
        loc, scale = q.loc[k, 0, d].item(), q.scale[k, 0, d].item()
        which = rf" \;\; (k{{=}}{k + 1})" if many else ""
        lines.append(rf"z_{{{d + 1}}}^{{({s + 1})}} &= {number(loc)} + {number(scale)}\cdot "
                     rf"{factor(drawn.noise[s, d].item())} = {number(drawn.z[s, d].item())}{which}")
    some = bool(scene.present.any())
    one = " from the belief of all observed views together" if scene.decoded is not scene.posterior and some else \
        "" if some else " from the prior"
    formula = r"z = \mu + \sigma\,\varepsilon, \qquad \varepsilon \sim \mathcal N(0, I)"
    if many:
        formula = (r"k \sim (w_1, \dots, w_K), \qquad z = \mu_k + \sigma_k\,\varepsilon, \qquad "
                   r"\varepsilon \sim \mathcal N(0, I)")
    private = len(q.loc[0, 0]) - len(scene.loc[0, 0])
    return Told(f"**A point z is drawn{one}.** The seed fixes the noise ε, so that every aggregator gets the same.",
                formula, aligned(lines), f"Beside z, {private} private dimensions are drawn: a view's own where it is "
                "observed, to fit z where not." if private else "")


def _decode(model: MultimodalVAE, views: Sequence[str], drawn: Draw, honest: dict[str, Tensor]) -> Told:
    with torch.inference_mode():
        likelihood = model.log_likelihood(honest, drawn.z[:1])
    lines = [rf"\log p(x_{{{named(v, m)}}} \mid z^{{(1)}}) &= {number(likelihood[v].item())}\ \text{{nats}}"
             for m, v in enumerate(views)]
    scale = number(model.config.likelihood_scale)
    kinds = dict.fromkeys(model.likelihood_of(v) for v in views)
    formula = r"\\ &\text{or}\; ".join(LIKELIHOODS.get(k, rf"\text{{{k}}}").format(scale=scale) for k in kinds)
    return Told("**Every decoder turns the same z into its view**, hidden views included. What you see is the average "
                "of all that the decoder holds possible (the mean of its likelihood).",
                r"\small\begin{aligned}\hat x_m &= f_m(z)\\ p(x_m \mid z) &= " + formula + r"\end{aligned}",
                aligned(lines),
                "How probable the decoders of sample 1 think the item's views as they are in truth, observed or not. "
                "Views of many pixels have large numbers; compare a view with itself.")


def members_of_components(scene: ItemBeliefs, views: Sequence[str]) -> list[tuple[str, ...]]:
    """The views of each component of the joint posterior; of none, where components are no groups of views."""
    count = scene.posterior.num_components
    if isinstance(scene.rule, SubsetMixture) and scene.rule.num_subsets is None:
        members = subset_membership(len(views))
        if count % len(members) == 0:
            return [tuple(v for v, there in zip(views, members[k % len(members)], strict=True) if there)
                    for k in range(count)]
    elif count == len(views):
        return [(view,) for view in views]
    return [()] * count


def component_names(scene: ItemBeliefs, views: Sequence[str]) -> list[tuple[str, float]]:
    """Components of the joint posterior that have weight, heaviest first, with the subset or the view of each."""
    names = ["+".join(of) or f"component {k + 1}" for k, of in enumerate(members_of_components(scene, views))]
    weights = scene.posterior.weights[:, 0].tolist()
    return sorted(((n, w) for n, w in zip(names, weights, strict=True) if w > 0), key=lambda pair: -pair[1])


def shares(scene: ItemBeliefs, d: int, views: Sequence[str]) -> np.ndarray:
    """(M,): the weights of the experts in dimension d, 0 where there is none."""
    e, out = in_dimension(scene, d, views), np.zeros(len(views))
    out[e.places] = e.w
    return out


def line_alt(step: str, scene: ItemBeliefs, views: Sequence[str], d: int) -> str:
    """What the chart of one dimension says."""
    what = {EXPERTS: "densities of the observed experts", WEIGHTS: "densities of the experts, times their weights",
            BARYCENTER: "densities of the experts and of the joint posterior"}.get(
        step, "densities of the experts and of the joint posterior, and the samples of z")
    loc, scale = scene.loc[:, 0, d].tolist(), scene.scale[:, 0, d].tolist()
    seen = ", ".join(f"{v} at {loc[m]:.2f} ± {scale[m]:.2f}" for m, v in enumerate(views) if scene.present[m, 0])
    return f"Latent dimension {z_name(d)}: {what}. Experts: {seen or 'none'}."


def line_numbers(
    scene: ItemBeliefs, views: Sequence[str], d: int, weights: np.ndarray | None, aggregates: Sequence[Aggregate],
    samples: np.ndarray | None,
) -> pd.DataFrame:
    """What the chart of one dimension shows, as a table."""
    rows = [{"of": v, **({} if weights is None else {"weight": weights[m]}), "mean": scene.loc[m, 0, d].item(),
             "σ": scene.scale[m, 0, d].item()} for m, v in enumerate(views) if scene.present[m, 0]]
    rows += [{"of": q.label, "mean": q.mean[d], "σ": float(np.sqrt(q.variance[d]))} for q in aggregates]
    rows += [{"of": f"sample {s + 1}", "mean": z[d]} for s, z in enumerate(() if samples is None else samples)]
    return pd.DataFrame(rows)


# -- widgets ---------------------------------------------------------------------------------------------------------


def in_rows(formula: str) -> str:
    """A formula of several parts with one in each row, so that none is cut off."""
    parts = re.split(r",\s*\\q?quad\s*", formula)
    whole = len(parts) == 1 or any(part.count("{") != part.count("}") for part in parts)
    return formula if whole else r"\begin{gathered}" + r"\\[4pt]".join(parts) + r"\end{gathered}"


def begun() -> bool:
    """Before the widgets: whether one is on the way, by what was chosen or by the link."""
    return st.session_state.get("step", st.query_params.get("step", ANSWER)) not in (ANSWER, LABELS[ANSWER])


def choose_step(form: Form) -> str:
    """Where in the walk one is: all steps, and one back and forth."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="walk"):
        step = form.ask(st.segmented_control, "step", "Step through", wrap=True)
        now = STEPS.index(step) if step in STEPS else 0
        st.button("Back", icon=":material/arrow_back:", key="step_back", disabled=now == 0, on_click=_go,
                  args=(now - 1,))
        st.button("Next", icon=":material/arrow_forward:", key="step_next", disabled=now == len(STEPS) - 1,
                  on_click=_go, args=(now + 1,))
    return STEPS[now]


def _go(to: int) -> None:
    st.session_state["step"] = STEPS[to]


def dimension_called(option: str, most: int) -> str:
    """One of the control's options as a person reads it, and links hold it."""
    return f"{z_name(most)} (most disagreement)" if option == MOST_DISAGREED else z_name(int(option))


def accept_former_numbers() -> None:
    """Before the control: links of before count dimensions from 0. The run begins again with the names of now."""
    text = st.query_params.get("dim", "")
    if text.isascii() and text.isdigit() and len(text) < 6:
        rewrite("dim", z_name(int(text)), str(int(text)))


def choose_dimension(form: Form, most: int) -> int:
    """The dimension whose numbers are shown."""
    name = form.ask(st.selectbox, "dimension", "Numbers of latent dimension", width=240,
                    format_func=lambda o: dimension_called(o, most))
    return most if name == MOST_DISAGREED else int(name)


def show(form: Form, step: str, tell_of: Callable[[int], Told], most: int) -> int:
    """A step: what happens, the formula, and the formula with the numbers of a dimension, which is returned."""
    left, right = st.columns([1, 1.15], gap="large", vertical_alignment="center")
    sentence, formula, note = left.container(), left.container(), left.container()
    d = most
    if step != DECODE:  # which has no dimension of its own
        with left:
            d = choose_dimension(form, most)
    told = tell_of(d)
    sentence.markdown(told.sentence)
    formula.latex(in_rows(told.formula))
    right.latex(told.filled)
    if told.note:
        note.caption(told.note)
    return d
