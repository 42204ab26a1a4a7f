"""What the default weights of own data do, and what 1 for every view would: ``python -m benchmarks.own_data_weights``.

MWB-VAE with the settings that follow from the data, on the data sets of tables that ship, with three rules for the
weights of the log-likelihoods (`bvae.data.own.weights`): every cell counts as much (1 for every view), the default, and
every view counts as much. Pictures are tables of their pixels here.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.own_data import flat
from benchmarks.own_data_rivals import chosen
from benchmarks.report import markdown
from bvae.data import dataset
from bvae.data.own.own_data import OwnData
from bvae.data.own.weights import EVENNESS, balanced, cells
from bvae.io.storage import write_text
from bvae.metrics.imputation import errors, mean_of, predicted, r2, scale_of
from bvae.models.vae import MultimodalVAE
from bvae.training.loop import train

SETS = ("mfeat", "breast-cancer", "penguins", "simulated-cells")
RULES = {"1 for every view": 0.0, "default": EVENNESS, "every view alike": 1.0}


def weighed(data: OwnData, evenness: float) -> OwnData:
    """The same items with other weights."""
    return OwnData(data.name, balanced(list(data.modalities.values()), evenness), data.x, data.mask, data.ids,
                   data.label_columns, data.split, classes=data.classes)


def figures(model: MultimodalVAE, train_on: OwnData, test: OwnData, name: str) -> list[Any]:
    """R2, accuracy and share within 90 percent intervals of a view, given all others."""
    names = list(model.modalities)
    m = names.index(name)
    others = [other for other in names if other != name]
    asked = test.present[m] & test.present[[names.index(other) for other in others]].any(0)
    items = torch.nonzero(asked).flatten()
    said = predicted(model, test.x, test.present, others, [name], items, torch.Generator().manual_seed(0))[name]
    scale = scale_of(model.modalities[name], train_on.x[name][train_on.present[m]])
    found = errors(scale, test.x[name][items], *said)
    return [value and f"{value['mean']:.3f}" for value in (r2(found), mean_of(found.right), mean_of(found.within))]


def main(arguments: Sequence[str] | None = None) -> None:
    """Train, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--quick", action="store_true", help="few steps: whether it runs")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results, for benchmarks.report")
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    rows = []
    for name in options.sets:
        whole = [dataset(name, split) for split in ("train", "test")]
        for rule, evenness in RULES.items():
            train_on, test = (weighed(flat(part), evenness) for part in whole if isinstance(part, OwnData))
            with tempfile.TemporaryDirectory() as folder:
                model = train(chosen(train_on, "mwb-vae", options.quick), Path(folder), progress=False, data=train_on)
            rows += [[name, f"{view}, {cells(modality)} columns", rule, f"{modality.weight:.3g}",
                      *figures(model, train_on, test, view)] for view, modality in train_on.modalities.items()]
    order = list(dict.fromkeys((row[0], row[1]) for row in rows))
    rows.sort(key=lambda row: order.index((row[0], row[1])))
    columns = ["data", "view", "weights", "its weight", "R2", "accuracy", "within 90 %"]
    result = {"title": "Weights of the views", "command": "python -m benchmarks.own_data_weights", "columns": columns,
              "rows": rows}
    if options.json:
        write_text(options.json, json.dumps(result, indent=1) + "\n")
    print(markdown(result))


if __name__ == "__main__":
    main()
