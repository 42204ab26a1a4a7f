"""The tables of README and docs come from the files beside the checkpoints."""

import pytest

from benchmarks import report as benchmarks
from bvae.data import DATASETS
from bvae.evaluation.records import results
from bvae.evaluation.report import (
    BEGIN,
    BEGIN_SHORT,
    END,
    fill,
    imputed,
    in_short,
    insert,
    mean_of,
    report,
    table,
)
from bvae.metrics import written
from bvae.models.methods import METHODS
from bvae.runs.shipped import FIGURES_ONLY, NEWER
from bvae.training.checkpoint import checkpoints_root
from tests.support import ROOT


@pytest.mark.parametrize("document", ["README.md", "docs/results.md"])
def test_the_documents_have_the_results_that_are_on_disk(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    assert fill(text) == text, f"run: python -m bvae report --into {document}"


def test_the_readme_has_one_table_and_results_all():
    readme, whole = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/results.md"))
    assert in_short("polymnist") in readme
    known = [name for name in METHODS if name in results("polymnist", checkpoints_root())]
    assert set(FIGURES_ONLY["polymnist"]) - set(NEWER) <= set(known)
    assert len(known) >= 14
    assert all(f"\n| {METHODS[name].title} | " in readme for name in known)
    assert all((report(name) in whole) is bool(results(name)) for name in DATASETS)
    assert BEGIN_SHORT in readme
    assert BEGIN in whole


@pytest.mark.parametrize("document", ["docs/speed.md", "docs/scale.md", "docs/results.md",
                                      "docs/methods/mwb-vae-plus.md"])
def test_the_tables_of_benchmarks_are_those_of_their_files(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    found = 0
    for of in sorted(benchmarks.RESULTS.glob("*.json")):
        found += f"<!-- benchmark {of.stem} -->" in text
        assert benchmarks.put(text, of.stem, benchmarks.markdown(benchmarks.read(of))) == text, (
            f"run: python -m benchmarks.report --into {document}")
    assert found


def test_a_data_set_without_results_says_so(tmp_path):
    assert "Nothing was evaluated yet" in report("polymnist", tmp_path)
    assert "Nothing was evaluated yet" in in_short("polymnist", tmp_path)


def test_simpler_methods_stand_below_those_that_impute():
    figures = {"imputation_r2": {"rna": {"mean": 0.25, "se": 0.01}},
               "imputation_r2_ridge": {"rna": {"mean": 0.5, "se": 0.01}},
               "imputation_coverage_90": {"rna": {"mean": 0.875, "se": 0.01}}}
    lines = imputed({"MVAE": figures, "MWB-VAE": {**figures, "imputation_r2": {"rna": {"mean": 0.75, "se": 0.01}}}})
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines() if line[:1] == "|"]
    assert [row[0] for row in rows] == ["method", "---", "MVAE", "MWB-VAE", "*ridge regression*"]
    assert rows[0][1:] == ["R², rna", "coverage of 90 %, rna"]
    assert [row[1].split()[0] for row in rows[2:]] == ["0.250", "0.750", "0.500"]
    assert rows[-1][2] == "–"
    assert imputed({"MVAE": {"coherence": {"1": {"mean": 0.5, "se": 0.1}}}}) == ""


def test_figures_are_written_with_the_digits_that_their_errors_allow():
    assert written({"mean": 1475.4, "se": 83.2}) == "1,475 ± 83"
    assert written({"mean": 20.04, "se": 0.21}) == "20.0 ± 0.2"
    assert written({"mean": 0.12345, "se": 0.0021}) == "0.123 ± 0.002"
    both = mean_of({"recall": {"a": {"mean": 0.2, "se": 0.03}, "b": {"mean": 0.4, "se": 0.04}}}, "recall")
    assert both == pytest.approx({"mean": 0.3, "se": 0.025})
    assert mean_of({}, "recall") is None
    assert table(["x"], {"m": [None]}, written) == "| method | x |\n|---|---|\n| m | – |"


def test_results_go_between_the_marks_only():
    text = f"before\n{BEGIN}\nold\n{END}\nafter"
    assert insert(text, "new \\1") == f"before\n{BEGIN}\n\nnew \\1\n{END}\nafter"
    assert insert(f"{BEGIN_SHORT}\nold{END}", "new", BEGIN_SHORT) == f"{BEGIN_SHORT}\n\nnew\n{END}"
    for wrong in ("no marks", f"{END}\n{BEGIN}", text + text):
        with pytest.raises(ValueError, match="expected the lines"):
            insert(wrong, "new")


def test_a_likelihood_of_another_density_is_marked():
    """Those with private latents have another scale of the normal density: their nats stand beside others', but say so.
    """
    lines = in_short("polymnist").splitlines()
    marked = [line for line in lines if line.startswith("|") and line.endswith("† |")]
    assert [line.split(" | ")[0] for line in marked] == ["| MMVAE+", "| MWB-VAE+", "| Hölder++"]
    assert "MMVAE+: normal 0.1, MWB-VAE+: normal 0.1, Hölder++: normal 0.1" in lines[-1]
