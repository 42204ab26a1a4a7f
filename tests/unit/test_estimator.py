"""`BarycentricVAE`: what goes in and comes out, in scikit-learn's pipelines and searches, by its own checks."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.utils.estimator_checks import parametrize_with_checks

import bvae
from bvae import BarycentricVAE
from bvae.training.checkpoint import CheckpointError

N = 160
G = np.random.default_rng(0)
Z = G.normal(size=(N, 2))
LABELS = np.where(Z[:, 0] > 0, "well", "ill")
GROUPS = {"blood": ["hb", "crp"], "mind": ["mood", "pain"], "scan": ["s0", "s1", "s2"]}


def table():
    """Three groups of columns that two latent numbers make; some cells and some whole groups are gaps."""
    g = np.random.default_rng(1)
    frame = pd.DataFrame({
        "hb": 13 + 1.5 * Z[:, 0], "crp": 5 + 2 * Z[:, 1],
        "mood": np.where(Z[:, 0] + 0.3 * g.normal(size=N) > 0, "up", "low"), "pain": np.round(5 + 2 * Z[:, 1]),
        "s0": Z.sum(1), "s1": Z[:, 0] - Z[:, 1], "s2": Z[:, 1]}, index=[f"p{k}" for k in range(N)])
    for name in ("hb", "crp", "s0", "s1", "s2"):
        frame[name] += 0.2 * g.normal(size=N)
    frame.loc[g.random(N) < 0.1, "crp"] = np.nan
    frame.loc[g.random(N) < 0.3, ["s0", "s1", "s2"]] = np.nan
    return frame


FRAME = table()


def made(**more):
    return BarycentricVAE(**{"latent_dim": 3, "steps": 250, "width": 16, "learning_rate": 3e-3, "random_state": 0,
                             "groups": GROUPS, **more})


@pytest.fixture(scope="module")
def fitted():
    return made().fit(FRAME)


def inexact(estimator):
    """Checks that ask for seven digits of float32, whose last ones depend on what an item is multiplied beside."""
    return dict.fromkeys(("check_methods_subset_invariance", "check_methods_sample_order_invariance"),
                         "computed in float32; tested to five digits in test_what_is_said_of_an_item_is_its_own")


@parametrize_with_checks([BarycentricVAE(latent_dim=2, steps=10, width=8, random_state=0)],
                         expected_failed_checks=inexact)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def test_what_is_said_of_an_item_is_its_own(fitted):
    turned = FRAME.iloc[::-1]
    for say in (fitted.score_samples, fitted.transform):
        everybody = say(FRAME)
        np.testing.assert_allclose(say(turned)[::-1], everybody, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(say(FRAME.iloc[:7]), everybody[:7], rtol=1e-4, atol=1e-4)


def test_a_table_with_groups(fitted):
    assert fitted.modalities_ == list(GROUPS)
    assert fitted.n_features_in_ == 7
    assert {m.kind for m in fitted.model_.modalities.values()} == {"vector", "table"}
    z = fitted.transform(FRAME)
    assert z.shape == (N, 3)
    assert LogisticRegression().fit(z[:100], LABELS[:100]).score(z[100:], LABELS[100:]) > 0.85
    assert list(fitted.get_feature_names_out()) == ["barycentricvae0", "barycentricvae1", "barycentricvae2"]
    assert any("steps of" in why for why in fitted.why_)


@pytest.mark.parametrize("form", ["dict of frames", "dict of arrays", "list", "sparse", "one array"])
def test_every_form_of_input(form):
    numbers = FRAME[["hb", "pain", "s2"]].fillna(0.0).to_numpy()
    given = {
        "dict of frames": {name: FRAME[columns] for name, columns in GROUPS.items()},
        "dict of arrays": {"a": numbers[:, :2], "b": numbers[:, 2:]},
        "list": [numbers[:, :2], numbers[:, 2:]],
        "sparse": {"a": scipy.sparse.csr_matrix(numbers[:, :2]), "b": numbers[:, 2:]},
        "one array": numbers,
    }[form]
    est = made(steps=30, groups={"a": [0, 1], "b": [2]} if form == "one array" else None).fit(given)
    assert est.transform(given).shape == (N, 3)
    assert est.modalities_ == {"dict of frames": list(GROUPS), "list": ["view 1", "view 2"]}.get(form, ["a", "b"])
    np.testing.assert_allclose(est.transform(given), made(steps=30, groups=est.groups).fit(given).transform(given))


def test_in_pipelines_searches_and_cross_validation():
    pipe = make_pipeline(made(steps=150), LogisticRegression())
    assert cross_val_score(pipe, FRAME, LABELS, cv=3).mean() > 0.75
    search = GridSearchCV(made(steps=60), {"latent_dim": [1, 3]}, cv=2).fit(FRAME)
    assert set(search.cv_results_["param_latent_dim"]) == {1, 3}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert search.best_estimator_.transform(FRAME).shape == (N, search.best_params_["latent_dim"])


def test_parameters_and_clones(fitted):
    params = fitted.get_params()
    assert params["groups"] == GROUPS
    again = clone(fitted)
    assert again.get_params() == params
    assert not hasattr(again, "model_")
    assert again.set_params(latent_dim=5).latent_dim == 5
    for use in (again.transform, again.impute, again.score, again.generate):
        with pytest.raises(NotFittedError):
            use(FRAME)


def test_saved_and_loaded_it_says_the_same(fitted, tmp_path):
    fitted.save(tmp_path / "model")
    again = BarycentricVAE.load(tmp_path / "model")
    np.testing.assert_allclose(again.transform(FRAME), fitted.transform(FRAME), atol=1e-6)
    np.testing.assert_allclose(again.impute(FRAME)["scan"].mean, fitted.impute(FRAME)["scan"].mean, atol=1e-5)
    np.testing.assert_allclose(again.impute(FRAME)["scan"].scale, fitted.impute(FRAME)["scan"].scale, atol=1e-5)
    assert fitted.model_.calibration is not None
    assert {k: v for k, v in again.get_params().items() if k in ("method", "groups", "latent_dim", "weights")} == {
        "method": "mwb-vae", "groups": GROUPS, "latent_dim": 3, "weights": "balanced"}
    assert b"pickle" not in (tmp_path / "model" / "estimator.json").read_bytes()


def test_it_invents_from_where_its_items_are_and_so_it_does_when_it_is_loaded(fitted, tmp_path):
    invented = fitted.sample(300)
    prior = fitted.sample(300, "prior")
    assert set(invented) == set(fitted.modalities_)
    z = fitted.model_.sample_latents(2000, generator=torch.Generator().manual_seed(0))
    draws = fitted.draws_.z
    torch.testing.assert_close(z[:, : draws.shape[1]].mean(0), draws.mean(0), atol=0.2, rtol=0)
    torch.testing.assert_close(z[:, : draws.shape[1]].std(0), draws.std(0), atol=0.2, rtol=0.1)
    assert any((invented[name] != prior[name]).any() for name in invented)
    fitted.save(tmp_path / "model")
    again = BarycentricVAE.load(tmp_path / "model")
    for name, values in again.sample(300).items():
        np.testing.assert_allclose(values, invented[name], atol=0.1, rtol=0.1)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"alphabet": 1}', b"\xff", b"[" * 100_000])
def test_a_damaged_file_is_said(fitted, tmp_path, content):
    fitted.save(tmp_path)
    (tmp_path / "estimator.json").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"estimator\.json: expected what BarycentricVAE\.save writes"):
        BarycentricVAE.load(tmp_path)
    with pytest.raises(CheckpointError):
        BarycentricVAE.load(tmp_path / "nowhere")


def test_columns_in_another_order_missing_new_words_and_new_columns(fitted):
    z = fitted.transform(FRAME)
    np.testing.assert_allclose(fitted.transform(FRAME[FRAME.columns[::-1]]), z, atol=1e-6)
    np.testing.assert_allclose(fitted.transform(FRAME.assign(new=1.0)), z, atol=1e-6)
    gaps = FRAME.assign(crp=np.nan)
    np.testing.assert_allclose(fitted.transform(FRAME.drop(columns="crp")), fitted.transform(gaps), atol=1e-6)
    strange = FRAME.assign(mood="furious")
    unknown = FRAME.assign(mood=None)
    np.testing.assert_allclose(fitted.transform(strange), fitted.transform(unknown), atol=1e-6)
    assert np.abs(fitted.transform(strange) - z).max() > 0.01
    np.testing.assert_allclose(fitted.transform({"scan": FRAME[GROUPS["scan"]]}),
                               fitted.transform(FRAME[GROUPS["scan"]]), atol=1e-6)


def test_an_item_without_any_view_has_the_prior(fitted):
    nothing = pd.DataFrame({name: pd.Series([None] * 3, dtype=kind) for name, kind in FRAME.dtypes.items()})
    q = fitted.posterior(nothing)
    np.testing.assert_allclose(q.mean, 0.0, atol=1e-6)
    np.testing.assert_allclose(q.variance, 1.0, atol=1e-5)
    imputed = fitted.impute({"blood": np.full((2, 2), np.nan)})
    assert imputed["scan"].missing.all()
    np.testing.assert_allclose(imputed["blood"].mean[:, 0], FRAME["hb"].mean(), atol=1.5)


def test_imputed_cells_are_told_from_observed_ones(fitted):
    found = fitted.impute(FRAME, num_draws=32, num_samples=5)
    scan = found["scan"]
    given = FRAME[GROUPS["scan"]].to_numpy()
    np.testing.assert_array_equal(scan.missing, np.isnan(given))
    np.testing.assert_allclose(scan.mean[~scan.missing], given[~scan.missing], rtol=1e-6)
    assert scan.samples.shape == (5, N, 3)
    assert (scan.scale[~scan.missing] == 0).all()
    assert (scan.scale[scan.missing] > 0).all()
    assert found["mind"].columns == ["mood", "pain"]
    assert set(fitted.generate(FRAME, targets=["scan"], num_samples=2)) == {"scan"}


def test_what_is_said_of_an_item_does_not_depend_on_the_others(fitted):
    few = FRAME.iloc[7:9]
    np.testing.assert_allclose(fitted.transform(FRAME)[7:9], fitted.transform(few), atol=1e-5)
    np.testing.assert_allclose(fitted.score_samples(FRAME)[7:9], fitted.score_samples(few), atol=1e-3)
    np.testing.assert_allclose(fitted.impute(FRAME)["scan"].mean[7:9], fitted.impute(few)["scan"].mean, atol=1e-4)


def test_the_score_tells_data_from_noise(fitted):
    shuffled = FRAME.copy()
    for k, name in enumerate(FRAME):
        shuffled[name] = FRAME[name].sample(frac=1, random_state=k).to_numpy()
    assert fitted.score(FRAME) > fitted.score(shuffled) + 1
    assert fitted.score_samples(FRAME).shape == (N,)


def test_texts_tags_and_pictures():
    g = np.random.default_rng(0)
    x = {"note": [f"patient {'well' if k % 2 else 'ill'}" for k in range(60)], "photo": g.random((60, 8, 8)),
         "tags": ["a; b" if k % 2 else "b" for k in range(59)] + [None]}
    est = BarycentricVAE(latent_dim=2, steps=10, width=8, random_state=0, kinds={"tags": "tags"}).fit(x)
    assert [m.kind for m in est.model_.modalities.values()] == ["text", "image", "tags"]
    assert est.transform({"tags": ["a", "nobody knows"], "note": ["patient", None]}).shape == (2, 2)
    assert est.impute({"photo": x["photo"][:3]})["tags"].columns == ["a", "b"]
    with pytest.raises(ValueError, match=r"X\['note'\]: expected N texts"):
        est.transform({"note": np.ones((3, 2))})


@pytest.mark.parametrize(("x", "said"), [
    ({"elsewhere": np.ones((3, 2))}, r"expected modalities of the model \(blood, mind, scan\), got 'elsewhere'"),
    ({"blood": np.ones((3, 5))}, r"X\['blood'\]: expected shape \(N, 2\), got \(3, 5\)"),
    ({"blood": np.ones((3, 2)), "scan": np.ones((4, 3))}, "rows in every modality, got 3 in 'blood', 4 in 'scan'"),
    ({}, "at least one modality"),
    ([np.ones((3, 2))] * 4, "at most 3 views, got 4"),
])
def test_new_items_that_cannot_be(fitted, x, said):
    with pytest.raises(ValueError, match=said):
        fitted.transform(x)


def test_groups_that_cannot_be():
    with pytest.raises(ValueError, match="groups: expected columns of X, got 'sugar'"):
        made(groups={"blood": ["hb", "sugar"]}).fit(FRAME)
    with pytest.raises(ValueError, match="weights: expected 'balanced' or 'cells'"):
        made(weights="heavy").fit(FRAME)
    for strange in (7, -1, "hb"):
        with pytest.raises(ValueError, match="groups: expected positions of columns of X, from 0 to 3"):
            made(groups={"a": [0, strange]}).fit(np.ones((9, 4)))
    with pytest.raises(ValueError, match="groups: expected columns of X, got 'hb'"):
        made(groups=GROUPS, steps=5).fit(FRAME).transform(FRAME.add_prefix("other "))


def test_it_is_found_in_the_package():
    assert bvae.BarycentricVAE is BarycentricVAE
    assert json.dumps(made().get_params(), default=str)
    with pytest.raises(AttributeError, match="no attribute 'Barycentric'"):
        _ = bvae.Barycentric
