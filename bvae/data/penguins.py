"""Palmer penguins: 344 birds, numbers and categories, real gaps, as three small modalities."""

from __future__ import annotations

import dataclasses
from typing import ClassVar

from bvae.data.own.from_arrays import table_modality
from bvae.data.own.own_data import OwnData
from bvae.data.own.readers.text import read_csv
from bvae.data.own.shipped import TableData, file_of, ship
from bvae.data.own.tables import Table

VIEWS = {"beak": ("bill_length_mm", "bill_depth_mm"), "body": ("flipper_length_mm", "body_mass_g"),
         "life": ("island", "sex")}
LABELS = {"beak": "length and depth in millimetres", "body": "flipper in millimetres, mass in grams",
          "life": "island and sex"}


@ship("penguins")
class Penguins(TableData):
    """Three views of 344 penguins of three species, with the gaps that the field work left.

    Horst, Hill & Gorman (2020), palmerpenguins, CC0; data: Gorman, Williams & Fraser, PLOS ONE 2014.
    """

    title = "Penguins"
    story = "All views are of one penguin."
    origins: ClassVar[dict[str, str]] = {"embedded": "Palmer penguins, CC0, from the package palmerpenguins"}

    @classmethod
    def whole(cls) -> OwnData:
        """See `TableData.whole`."""
        path = file_of("palmerpenguins", "data/penguins.csv", "pip install 'bvae[data]'")
        table = read_csv(path).tables[""]
        modalities, x, notes = [], {}, []
        for name, columns in VIEWS.items():
            view = Table(table.where, {c: table.columns[c] for c in columns})
            modality, values, said = table_modality(name, view)
            modalities.append(dataclasses.replace(modality, label=LABELS[name]))
            x[name] = values
            notes += said
        ids = [f"bird {k + 1}" for k in range(table.num_rows)]
        labels = {"species": table.columns["species"], "year": table.columns["year"]}
        return OwnData(cls.name, modalities, x, None, ids, labels, story=cls.story, notes=notes)
