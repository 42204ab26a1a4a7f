"""What stands below the playground: exact numbers of the scene, computed by Python."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import streamlit as st
import torch

from bvae.aggregators import AGGREGATORS, aggregator, naming, worked
from bvae.aggregators.comparison import divergence_matrix
from bvae.aggregators.hoelder import GridPool
from bvae.app import reproduce as recipe
from bvae.app.components.playground import scenes
from bvae.app.components.playground.scenes import NAMES, Scene
from bvae.app.components.playground.schema import EXPERT, FIELDS, SCALE, limits
from bvae.app.playground.aggregates import aggregate
from bvae.app.playground.state import ALL, Playground
from bvae.app.state import Form
from bvae.app.templates import Markup, render
from bvae.app.widgets import small_table
from bvae.gaussians.divergences import DIVERGENCES, Divergence, divergence
from bvae.gaussians.posterior import FullPosterior

UNSURE = 0.01  # relative error of a value beyond which it is marked, and cannot be the smallest
MARKED = {"★": "smallest of its row", "☆": "smallest among single Gaussians"}


def owners(family: str | None = None) -> dict[str, str]:
    """Divergence -> the first rule that minimises it by construction, among single Gaussians if `family` says so."""
    out: dict[str, str] = {}
    for rule in naming.ordered(AGGREGATORS.names()):
        says = getattr(AGGREGATORS[rule], "minimises", "")
        if says and family in (None, getattr(AGGREGATORS[rule], "family", None)):
            out.setdefault(says, rule)
    return out


def owner(name: str, alpha: float) -> str | None:
    """The rule that minimises a divergence; the squared Hellinger distance is that of alpha = 1/2."""
    return owners().get("alpha" if name == "hellinger" and alpha == 0.5 else name)


def measures(scene: Scene) -> dict[str, Divergence]:
    """All divergences, with the scene's alpha where they have one."""
    alpha = scene["alpha"]
    options = {"alpha": {"alpha": alpha}, "renyi": {"alpha": min(alpha, 0.95)}}
    return {name: divergence(name, **options.get(name, {})) for name in DIVERGENCES}


class Table(NamedTuple):
    """Divergences of a scene.

    Attributes
    ----------
    experts : list of str
        Names of the present ones.
    weights : ndarray
        (M,), sum 1.
    rules : list of str
    values : dict
        (divergence, rule) -> (M,) values, or None.
    errors : dict
        The same with errors, see `bvae.gaussians.divergences.Estimate`.
    bounds : set
        (divergence, rule) whose values are lower bounds.
    gaussian : set of str
        Rules whose aggregate is one Gaussian.
    alpha : float
        Of the scene.
    """

    experts: list[str]
    weights: np.ndarray
    rules: list[str]
    values: dict[tuple[str, str], np.ndarray | None]
    errors: dict[tuple[str, str], np.ndarray | None]
    bounds: set[tuple[str, str]]
    gaussian: set[str]
    alpha: float

    def cost(self, name: str, rule: str, expert: str | None) -> float:
        """Weighted sum over the experts, or the divergence to one of them; NaN where it is not defined."""
        values = self.values[name, rule]
        if values is None:
            return float("nan")
        return float(self.weights @ values) if expert is None else float(values[self.experts.index(expert)])

    def unsure(self, name: str, rule: str) -> bool:
        """Whether the integrals of a cell are not known to one percent (and a hundredth)."""
        values, errors = self.values[name, rule], self.errors[name, rule]
        if values is None or (name, rule) in self.bounds:
            return False
        return bool((errors > UNSURE * (1 + np.abs(values))).any())

    def best(self, name: str, expert: str | None, among: set[str] | None = None) -> set[str]:
        """The rules of the least cost in a row, with ties; those whose value is not known well enough are left out."""
        costs = {rule: self.cost(name, rule, expert) for rule in self.rules
                 if (among is None or rule in among) and not self.unsure(name, rule)}
        costs = {rule: cost for rule, cost in costs.items() if np.isfinite(cost)}
        least = min(costs.values(), default=0.0)
        return {rule for rule, cost in costs.items() if cost <= least + 1e-9 * (1 + abs(least))}


def divergences_of(scene: Scene) -> Table | None:
    """Every divergence between every aggregate and every expert; None if no expert is present."""
    loc, covariance, present, weights = scenes.tensors(scene)
    here = [m for m in range(len(loc)) if present[m, 0] and weights[m] > 0]
    if not here:
        return None
    experts = [FullPosterior.gaussian(loc[m], covariance[m]) for m in here]
    rules = naming.ordered({*owners().values(), *owners("gaussian").values(), *scene["rules"]})
    found = {rule: aggregate(scene, rule).posterior for rule in rules}
    aggregates = {rule: q for rule, q in found.items() if q is not None}
    matrix = divergence_matrix(aggregates, experts, measures(scene))
    values = {key: None if e is None else np.array([x.value.item() for x in e]) for key, e in matrix.items()}
    errors = {key: None if e is None else np.array([x.error.item() for x in e]) for key, e in matrix.items()}
    bounds = {key for key, e in matrix.items() if e is not None and e[0].method == "bounds"}
    share = weights[here].numpy()
    return Table([NAMES[m] for m in here], share / share.sum(), list(aggregates), values, errors, bounds,
                 {rule for rule, q in aggregates.items() if q.num_components == 1}, scene["alpha"])


@st.cache_data(max_entries=64, show_spinner=False)
def cached_table(text: str) -> Table | None:
    """See :func:`divergences_of`; `text` is the scene as in the link."""
    return divergences_of(scenes.decode(text))


def number(value: float) -> str:
    """Three significant digits."""
    return "–" if not np.isfinite(value) else f"{value:.3g}" if abs(value) < 1000 else f"{value:.2e}"


def divergence_table(form: Form[Playground]) -> None:
    """The table in which each rule wins its own row."""
    scene: Scene = form.about
    st.subheader("Each divergence has its own winner")
    table = cached_table(scenes.encode(scene))
    if table is None:
        st.info("No expert is present: there is nothing to be near to. The joint belief is the prior.")
        return
    which = form.ask(st.segmented_control, "to", "Divergence to", options=[ALL, *table.experts],
                     format_func=lambda x: x if x == ALL else f"expert {x}")
    expert = None if which not in table.experts else which
    st.html(table_html(table, expert))
    st.caption(
        ("Weighted sums over the experts" if expert is None else f"Divergences to expert {expert}")
        + ": ★ the smallest of its row, ☆ the smallest among single Gaussians; an arrow names the rule "
        "that minimises its weighted sum by construction (Jeffreys and Fisher–Rao: among Gaussians). KL, Jeffreys and "
        "Rényi in nats. ≥ marks a lower bound: the Wasserstein distance of a mixture has no closed form. ≈ marks an "
        "integral that is not known to one percent. Fisher–Rao is computed for uncorrelated Gaussians only. "
        f"Alpha is {scene['alpha']:g}, as in the scene; the order of Rényi {min(scene['alpha'], 0.95):g}."
    )
    st.download_button("Download the table as CSV", lambda: table_csv(table), "divergences.csv", "text/csv",
                       icon=":material/download:", on_click="ignore")


def table_html(table: Table, expert: str | None) -> Markup:
    """Rows are divergences, columns joint beliefs."""
    lines = []
    for name in DIVERGENCES:
        best, best_gaussian = table.best(name, expert), table.best(name, expert, table.gaussian)
        cells = []
        for rule in table.rules:
            sign = "≥ " if (name, rule) in table.bounds else "≈ " if table.unsure(name, rule) else ""
            mark = "★" if rule in best else "☆" if rule in best_gaussian else ""
            cells.append((mark, MARKED.get(mark), sign + number(table.cost(name, rule, expert))))
        own = owner(name, table.alpha)
        lines.append((DIVERGENCES[name].title, naming.short(own) if own else "", cells))
    return render("divergences", rules=[naming.short(rule) for rule in table.rules], lines=lines)


def table_csv(table: Table) -> str:
    """All values with their errors: one line for each divergence, aggregate and expert."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["divergence", "aggregate", "expert", "weight", "value", "error", "lower bound"])
    for (name, rule), values in table.values.items():
        if values is None:
            continue
        for m, expert in enumerate(table.experts):
            errors: Any = table.errors[name, rule]
            writer.writerow([name, rule, expert, table.weights[m], values[m], errors[m],
                             (name, rule) in table.bounds])
    return out.getvalue()


def exact(scene: Scene) -> None:
    """Mean, covariance and size of every aggregate that is drawn."""
    st.subheader("In numbers")
    rows = []
    for rule in scene["rules"]:
        q, reason = aggregate(scene, rule)
        if q is None:
            st.warning(f"{naming.title(rule)}: {reason}", icon=":material/info:")
            continue
        if reason:
            st.caption(f"{naming.title(rule)}: {reason}")
        mean, covariance = q.mean[0], q.total_covariance[0]
        std = torch.linalg.eigvalsh(covariance).clamp_min(0).sqrt().flip(0)
        count = None if isinstance(q, GridPool) else q.num_components  # by quadrature: no mixture of Gaussians
        row: dict[str, Any] = {"joint belief": naming.title(rule), "Gaussians": count,
                               "mean z1": decimals(mean[0])}
        if len(mean) == 2:
            row |= {"mean z2": decimals(mean[1]), "σ along": decimals(std[0]), "σ across": decimals(std[1]),
                    "correlation": decimals(covariance[0, 1] / (covariance[0, 0] * covariance[1, 1]).sqrt())}
        else:
            row["σ"] = decimals(std[0])
        if q.convergence is not None:
            row["iterations"] = q.convergence.iterations
            if not bool(q.convergence.converged.all()):
                st.warning(f"{naming.title(rule)} did not converge: relative change "
                           f"{q.convergence.residual.max().item():.1e} after {q.convergence.iterations} iterations.")
        rows.append(row)
    if not rows:
        st.write("No rule is switched on.")
        return
    frame = pd.DataFrame(rows)
    st.html(small_table.table(frame.astype(object).where(frame.notna(), "–"), "Joint beliefs"))
    st.caption("Computed by Python in double precision when a gesture ends. σ along and across are the standard "
               "deviations of the whole distribution along its principal axes.")


def decimals(value: torch.Tensor) -> str:
    """Three decimals."""
    return f"{value.item():.3f}"


def formula(form: Form[Playground]) -> None:
    """The formula of one rule with this scene's numbers."""
    scene: Scene = form.about
    st.subheader("The formula with these numbers")
    if not scene["rules"]:
        st.write("Switch a rule on.")
        return
    rule = form.ask(st.selectbox, "formula", "Rule", format_func=naming.title)
    q, reason = aggregate(scene, rule)
    try:
        made = aggregator(rule, **scenes.options(scene, rule))
    except Exception:  # a rule of one's own may raise anything; `reason` says what
        st.info(reason)
        return
    if made.formula:
        st.latex(made.formula)
    if made.divergence:
        st.markdown(f"It minimises: {made.divergence}.")
    if q is None:
        st.info(reason)
        return
    st.latex(filled(scene, rule, q))


def filled(scene: Scene, rule: str, q: FullPosterior | GridPool) -> str:
    """LaTeX: what goes in and what comes out, with numbers."""
    loc, covariance, present, weights = scenes.tensors(scene)
    here = [m for m in range(len(loc)) if present[m, 0] and weights[m] > 0]
    if not here:
        return r"q = \mathcal N(0, I)"
    case = worked.InThePlane(
        [NAMES[m] for m in here], (weights[here] / weights[here].sum()).tolist(), [loc[m, 0] for m in here],
        [covariance[m, 0] for m in here], q.mean[0], q.total_covariance[0], everyone=len(here) == len(loc))
    lines = [*aggregator(rule, **scenes.options(scene, rule)).worked_covariances(case),
             f"\\text{{mean}} &= {worked.column(case.mean)}",
             f"\\text{{covariance}} &= {worked.matrix(case.covariance)}"]
    return r"\begin{aligned}" + r"\\[4pt]".join(lines) + r"\end{aligned}"


CORRELATION = (-0.99, 0.99)  # that one can type


COLUMNS = ("z1", "z2", "σ1", "σ2", "correlation", "weight", "present")


def numbers(scene: Scene, adopt: Callable[[Scene], None]) -> None:
    """Type the scene instead of dragging it; what is wrong is said beside it and changes nothing."""
    with st.expander("Type the experts as numbers", icon=":material/edit:", key="playground_typed",
                     on_change="rerun") as part:
        if not part.open:  # the editor is a third of what the page would send
            return
        rows = [{"z1": e["mean"][0], "z2": e["mean"][1], "σ1": e["cov"][0] ** 0.5, "σ2": e["cov"][2] ** 0.5,
                 "correlation": e["cov"][1] / (e["cov"][0] * e["cov"][2]) ** 0.5, "weight": w, "present": e["present"]}
                for e, w in zip(scene["experts"], scene["weights"], strict=True)]
        frame = pd.DataFrame(rows, index=pd.Index(list(NAMES[: len(rows)]), name="expert"))
        edited = st.data_editor(frame, key=f"playground_numbers_{hash(scenes.encode(scene))}", width="stretch",
                                column_config={c: st.column_config.NumberColumn(format="%.3f") for c in COLUMNS[:-1]})
        if edited.equals(frame):
            (low1, high1), (low2, high2) = (limits(axis) for axis in EXPERT["mean"]["prefixItems"])
            low, high = limits(FIELDS["weights"]["items"])
            st.caption(f"Means z1 in [{low1}, {high1}] and z2 in [{low2}, {high2}], standard deviations in "
                       f"{list(SCALE['reach'])}, correlation in {list(CORRELATION)}, weights in [{low}, {high}].")
            return
        try:
            typed = from_rows(scene, edited.to_dict("records"))
        except scenes.BadScene as error:
            st.error(f"{error}. The picture keeps the last valid scene.", icon=":material/error:")
            return
        adopt(typed)
        st.rerun()


def from_rows(scene: Scene, rows: list[dict[str, Any]]) -> Scene:
    """The scene with the experts of the editor. Raises BadScene that names the cell."""
    experts = []
    for name, row in zip(NAMES, rows, strict=False):
        for key, reach in (("σ1", SCALE["reach"]), ("σ2", SCALE["reach"]), ("correlation", CORRELATION)):
            scenes.require(f"{key} of {name}", row[key], *reach)
        experts.append(scenes.expert(row["z1"], row["z2"], row["σ1"], row["σ2"], row["correlation"], row["present"]))
    return scenes.checked({**scene, "experts": experts, "weights": [row["weight"] for row in rows]})


def reproduce(scene: Scene) -> None:
    """Python that gives the same numbers."""
    recipe.show(scenes.code(scene), "playground.py")
