"""The benchmark of tables: its own models are right, and a quick run gives a table."""

import itertools
import json

import numpy as np
import pytest
import torch

from benchmarks import own_data, own_data_weights
from benchmarks import own_data_rivals as rivals
from bvae.data import Modality
from bvae.data.own.own_data import OwnData


def problem(n: int = 1000, gaps: bool = True) -> rivals.Problem:
    """Three views of two latent dimensions, seen with noise of standard deviation 0.3; views missing at random."""
    g = np.random.default_rng(0)
    z = g.normal(size=(n, 2))
    views = [5 + 2 * (z @ g.normal(size=(2, p)) + 0.3 * g.normal(size=(n, p))) for p in (4, 3, 5)]
    y = (z[:, 0] > 0).astype(int)
    half = n // 2
    train = [v[:half].copy() for v in views]
    if gaps:
        for m in range(3):
            train[m][m::4] = np.nan
    test = tuple(v[half:] for v in views)
    return rivals.Problem(("a", "b", "c"), (False,) * 3, tuple(train), test, y[:half], y[half:], 2)


def as_data(given: rivals.Problem) -> OwnData:
    x = {n: torch.from_numpy(v).float() for n, v in zip(given.names, given.train, strict=True)}
    mask = torch.stack([~v.isnan().all(1) for v in x.values()])
    return OwnData("tiny", [Modality(n, "vector", v.shape[1:]) for n, v in x.items()], x, mask,
                   labels={"class": [str(k) for k in given.y_train]})


def test_factor_analysis_gives_the_posterior_of_a_linear_model():
    g = np.random.default_rng(1)
    model = rivals.FactorAnalysis.__new__(rivals.FactorAnalysis)
    model.w, model.noise = [g.normal(size=(p, 2)) for p in (3, 4)], [g.uniform(0.5, 2.0, p) for p in (3, 4)]
    x = [g.normal(size=(3, p)) for p in (3, 4)]
    have = np.array([[True, True, False], [True, False, False]])
    z, covariance, pattern = model.posterior(x, have)
    w, noise, row = np.concatenate(model.w), np.concatenate(model.noise), np.concatenate([x[0][0], x[1][0]])
    joint = w @ w.T + np.diag(noise)  # of x, whose covariance with z is w
    np.testing.assert_allclose(z[0], w.T @ np.linalg.solve(joint, row))
    np.testing.assert_allclose(covariance[pattern[0]], np.eye(2) - w.T @ np.linalg.solve(joint, w))
    np.testing.assert_allclose(covariance[pattern[2]], np.eye(2))
    np.testing.assert_allclose(z[2], 0)


@pytest.mark.parametrize(("method", "least"), [("factors", 0.85), ("ridge", 0.8), ("neighbours", 0.75), ("pca", 0.6)])
def test_simpler_methods_fill_views_that_they_did_not_see(method, least):
    given = problem()
    found = own_data.judged(given, rivals.SIMPLE[method](given), as_data(given))
    assert found["r2"]["2"]["mean"] > least
    assert set(found["r2_of"]) == {"a", "b", "c"}
    assert found["probe"]["3"]["mean"] > 0.85
    if method != "pca":  # it has no density
        assert 0.8 < found["within"]["2"]["mean"] < 0.99


def test_every_training_item_keeps_a_view_and_the_test_items_all():
    given, data = own_data.problem_of("simulated-cells", 0.5)
    assert bool(data.present.any(0).all())
    complete = own_data.problem_of("simulated-cells", 0.0)[1]
    assert 0.4 < float(data.present.sum() / complete.present.sum()) < 0.7
    np.testing.assert_array_equal(~np.isnan(given.train[1]).all(1), data.present[1].numpy())
    assert not np.isnan(given.test[0]).any()


def test_everybody_is_asked_for_the_same_sets():
    sets = own_data.subsets(6)
    assert [len([s for s in sets if len(s) == k]) for k in range(1, 7)] == [6, 0, 10, 0, 6, 1]
    assert own_data.subsets(2) == [(0,), (1,), (0, 1)]
    assert set(itertools.chain(*sets)) == set(range(6))


def test_a_quick_run_prints_a_table_and_is_not_done_twice(tmp_path, capsys, monkeypatch):
    kept = tmp_path / "rows.json"
    arguments = ["--quick", "--sets", "simulated-cells", "--missing", "0.5", "--methods", "mwb-vae", "factors", "mofa",
                 "--kept", str(kept)]
    own_data.main(arguments)
    text = capsys.readouterr().out
    assert "| MWB-VAE |" in text
    assert "R2 of protein" in text
    assert "Not in the tables: MOFA+, no --peers." in text
    rows = json.loads(kept.read_text())["done"]
    assert [r["method"] for r in rows] == ["mwb-vae", "factors"]
    assert all(r["seconds"] > 0 and r["megabytes"] > 0 for r in rows)

    def refused(*_args, **_options):
        raise AssertionError("a row that is done was computed again")

    monkeypatch.setattr(own_data.subprocess, "run", refused)
    own_data.main(arguments)
    assert capsys.readouterr().out == text


def test_the_table_of_weights_has_every_view_under_every_rule(capsys):
    own_data_weights.main(["--quick", "--sets", "penguins"])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| penguins")]
    assert len(lines) == 9
    assert [line.split(" | ")[2] for line in lines[:3]] == list(own_data_weights.RULES)
    assert all(line.split(" | ")[3] == "1" for line in lines if "1 for every view" in line)
