"""A person's own data: tables, pictures, texts and cells, from files in a folder or from what is in memory."""

from bvae.data.own.folder import Folder
from bvae.data.own.from_arrays import from_arrays
from bvae.data.own.own_data import OwnData
from bvae.data.own.registering import as_typed, models_of, register

__all__ = ["Folder", "OwnData", "as_typed", "from_arrays", "models_of", "register"]
