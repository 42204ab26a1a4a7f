"""Figures of imputation beside those of simpler methods: who leads, and who is tied with it."""

from bvae.evaluation.imputed import Row, rows, said


def test_what_may_differ_by_chance_is_tied_with_the_best():
    row = Row("soil", {"MWB-VAE": {"mean": 0.650, "se": 0.049}, "ridge regression": {"mean": 0.711, "se": 0.048},
                       "nearest neighbours": {"mean": 0.40, "se": 0.05}})
    assert row.leading == {"MWB-VAE", "ridge regression"}
    sure = Row("soil", {name: {**value, "se": 0.01} for name, value in row.values.items()})
    assert sure.leading == {"ridge regression"}
    equal = Row("soil", {"a": {"mean": 0.514, "se": 0.0}, "b": {"mean": 0.514, "se": 0.0}})
    assert equal.leading == {"a", "b"}


def test_all_figures_of_a_table_have_the_same_digits():
    assert [said({"mean": m, "se": se}) for m, se in ((0.5, 0.1), (0.555, 0.084), (-0.0001, 0.2))] == [
        "0.500 ± 0.100", "0.555 ± 0.084", "0.000 ± 0.200"]


def test_rows_have_the_methods_first_and_simpler_ones_once():
    figure = {"mean": 0.5, "se": 0.1}
    metrics = {"mwb-vae": {"imputation_r2": {"a": figure}, "imputation_r2_ridge": {"a": figure}},
               "mvae": {"imputation_r2": {"a": figure}, "imputation_r2_ridge": {"a": figure}}}
    (row,) = rows(metrics, ["mwb-vae", "mvae"], "imputation_r2")
    assert list(row.values)[2:] == ["ridge regression"]
