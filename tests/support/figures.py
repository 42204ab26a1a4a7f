"""One figure of every kind, of random numbers."""

import numpy as np

from bvae.plots import latent, metrics, posterior, style


def plane(rng, inks):
    loc, scale = rng.normal(size=(5, 16)), rng.random((5, 16)) + 0.1
    aggregates = [posterior.Aggregate("mwb", "MWB", np.full(k, 1 / k), rng.normal(size=(k, 16)),
                                      rng.random((k, 16)) + 0.2) for k in (31, 3, 1)]
    arguments = (["a", "b", "c", "d", "e"], loc, scale, [True, True, False, True, True], aggregates)
    found = [posterior.plane_figure(make(loc), *arguments, inks, rng.normal(size=(4, 16)), before=loc + 1)
             for make in (posterior.principal_plane, lambda m: posterior.dimension_plane(m, scale))]
    return [*found, posterior.interval_figure(*arguments, inks)]


def line(rng, inks):
    q = posterior.Aggregate("moe", "MoE", np.full(2, 0.5), rng.normal(size=(2, 1)), rng.random((2, 1)) + 0.1)
    return [posterior.density_figure(["a", "b"], rng.normal(size=2), rng.random(2) + 0.1, [q], inks, (-3.0, 3.0))]


def curves(rng, inks):
    drawn = {name: {str(k): {"mean": rng.random(), "se": 0.1} for k in (1, 2)} for name in "ab"}
    runs = {"a": {"1": {"0": 0.4, "1": 0.5}}}
    return [metrics.curve_figure(drawn, "title", inks, ["a", "b"], 0.9, runs=runs)]


def maps(rng, inks):
    made = [latent.scatter(rng.normal(size=(n, 2)), np.arange(n) % 3, ["a", "b", "c"], style.CLASS_COLORS[:3],
                           ["circle", "x", "star"], np.arange(n)[:, None], [str(k) for k in range(n)], inks, titles,
                           picked=picked, limits=limits)
            for n, titles, picked, limits in ((latent.MOST_SVG + 1, ("x", "y"), None, None),
                                              (30, ("", ""), [3, 7], ((0, 1), (0, 2))))]
    assert [{trace.type for trace in figure.data} for figure in made] == [{"scattergl"}, {"scatter"}]
    return made
