"""Any data set as files that are read piece by piece, for sets that do not fit in memory.

A folder has ``train`` and ``test``, each with an ``index.json`` and shards ``00000.safetensors``, ...: some thousand
items each, as bytes where that loses nothing. Shards are memory-mapped, so that what is read is what is asked for, and
at most `OPEN` of them are open at a time. An epoch goes through windows of `WINDOW` shards, in an order of (seed,
epoch), and through the items of a window in an order of (seed, epoch, window). So the items of every step are known
without reading those before, and are the same for any number of processes, each of which reads its own only. No
library was found that does this: the usual ones (litdata, mosaicml-streaming) tie the order to the number of processes
and workers, and bring clients of clouds.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import safetensors
import torch
from torch import Tensor

from bvae.data.base import DATASETS, Batch, DataError, Modality, MultimodalDataset, with_holes
from bvae.data.checks import blank, different
from bvae.io.storage import StorageError, read_json, sha256, write_json, write_tensors

FORMAT = 1
INDEX = "index.json"
WINDOW = 4
"""Shards whose items are mixed with each other."""
OPEN = 2 * WINDOW


class Shards(MultimodalDataset):
    """A split of a data set that :func:`write` has written.

    Everything that the data set knows of its kind (names of classes, how texts are read) stays as it is. A view is
    fixed when it is written; crops are fresh only in so far as several passes were written.

    Parameters
    ----------
    folder : Path
        With an ``index.json``.
    split : {"train", "test"}

    Raises
    ------
    DataError
        If the index is missing, damaged, of another data set or format.
    """

    kind: ClassVar[type[MultimodalDataset]]

    def __init__(self, folder: Path, split: str) -> None:
        self.folder, self.split, self.source = folder / split, split, "shards"
        path = self.folder / INDEX
        try:
            index = read_json(path)
            if index["format"] != FORMAT or index["dataset"] != self.name:
                raise DataError(f"{path}: expected shards of {self.name!r} in format {FORMAT}, got "
                                f"{index['dataset']!r} in format {index['format']!r}")
            self.modalities = {m["name"]: Modality.from_plain(m) for m in index["modalities"]}
            different([m["name"] for m in index["modalities"]])
            self.files = [(name_of(k), s["bytes"], s["sha256"]) for k, s in enumerate(index["shards"])]
            self.sizes = torch.tensor([int(s["items"]) for s in index["shards"]])
            self.attribute_names = tuple(index["attributes"])
            self.masked = bool(index.get("mask", False))
            self.origin = str(index["origin"])
        except StorageError as error:
            raise DataError(f"{path}: no shards there ({error}). Write them with: python -m bvae data {self.name} "
                            f"--shards {folder}") from error
        except DataError:
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"{path}: damaged ({error})") from error
        if not len(self.sizes) or int(self.sizes.min()) < 1:
            raise DataError(f"{path}: expected at least one shard with at least one item")
        self.opened: dict[int, dict[str, Tensor]] = {}  # the last OPEN of them, the latest last

    def __len__(self) -> int:
        return int(self.sizes.sum())

    # -- reading ---------------------------------------------------------------------------------------------------

    def shard(self, number: int) -> dict[str, Tensor]:
        """The mapped tensors of a shard, as stored. Raises DataError if it is missing or damaged."""
        if number in self.opened:
            self.opened[number] = self.opened.pop(number)
            return self.opened[number]
        name, length, _ = self.files[number]
        path = self.folder / name
        try:
            if path.stat().st_size != length:
                raise DataError(f"{path}: expected {length:,} bytes, got {path.stat().st_size:,}")
            with safetensors.safe_open(path, framework="pt") as file:
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        except (OSError, safetensors.SafetensorError) as error:
            raise DataError(f"{path}: cannot be read ({error})") from error
        while len(self.opened) >= OPEN:
            self.opened.pop(next(iter(self.opened)))
        self.opened[number] = tensors
        return tensors

    def read(self, index: Tensor) -> dict[str, Tensor]:
        """Items by their positions, as stored: "x.NAME", "y", perhaps "attributes" and "mask" (n, M), each (n, ...)."""
        ends = self.sizes.cumsum(0)
        number = torch.searchsorted(ends, index, right=True)
        row = index - (ends - self.sizes)[number]
        out: dict[str, Tensor] = {}
        for k in number.unique().tolist():
            here = torch.nonzero(number == k).squeeze(1)
            for key, values in self.shard(k).items():
                if key not in out:
                    out[key] = values.new_empty(len(index), *values.shape[1:])
                out[key][here] = values[row[here]]
        return out

    def _positions(self, index: Tensor | slice | list[int]) -> Tensor:
        return torch.arange(len(self))[index] if isinstance(index, slice) else torch.as_tensor(index)

    def subset(self, index: Tensor | slice | list[int]) -> dict[str, Tensor]:
        """See `MultimodalDataset.subset`."""
        held = self.read(self._positions(index))
        return {name: stored_as_float(held[f"x.{name}"]) for name in self.modalities}

    @functools.cached_property
    def x(self) -> dict[str, Tensor]:  # type: ignore[override]
        """All items in memory; for small splits only."""
        return self.subset(slice(None))

    @functools.cached_property
    def y(self) -> Tensor:  # type: ignore[override]
        """(N,) labels: these are read as a whole."""
        return torch.cat([self.shard(k)["y"].clone() for k in range(len(self.files))])

    @functools.cached_property
    def attributes(self) -> Tensor | None:  # type: ignore[override]
        """(N, A), see `MultimodalDataset`: read as a whole."""
        if not self.attribute_names:
            return None
        return torch.cat([self.shard(k)["attributes"].clone() for k in range(len(self.files))])

    @functools.cached_property
    def mask(self) -> Tensor | None:  # type: ignore[override]
        """(M, N), see `MultimodalDataset`: read as a whole."""
        if not self.masked:
            return None
        return torch.cat([self.shard(k)["mask"].clone() for k in range(len(self.files))]).bool().T

    @property
    def incomplete(self) -> bool:
        """See `MultimodalDataset.incomplete`; the index says it."""
        return self.masked

    def verify(self) -> None:
        """Raise DataError unless every shard has the hash that the index states."""
        for name, _, wanted in self.files:
            path = self.folder / name
            if not path.is_file() or sha256(path) != wanted:
                raise DataError(f"{path}: its SHA-256 is not the one in {INDEX}; write the shards again")

    def describe(self) -> str:
        """See `MultimodalDataset.describe`; checks the hashes too."""
        self.verify()
        return (f"{super().describe()}\n  {len(self.files)} shards in {self.folder}, hashes are right\n"
                f"  origin: {self.origin}")

    # -- epochs ----------------------------------------------------------------------------------------------------

    def order(self, epoch: int, seed: int, start: int, stop: int) -> Tensor:
        """Which items have the places `start` to `stop` of an epoch; only the windows there are looked at."""
        base = 1_000_003 * (seed + 1) + epoch
        shards = torch.randperm(len(self.sizes), generator=torch.Generator().manual_seed(base))
        first = self.sizes.cumsum(0) - self.sizes  # position of each shard's first item
        parts, place = [], 0
        for number, window in enumerate(shards.split(WINDOW)):
            count = int(self.sizes[window].sum())
            if place + count > start and place < stop:
                own = torch.Generator().manual_seed(seed_of(base, number))
                items = torch.cat([first[k] + torch.arange(int(self.sizes[k])) for k in window.tolist()])
                mixed = items[torch.randperm(count, generator=own)]
                parts.append(mixed[max(0, start - place) : stop - place])
            place += count
        return torch.cat(parts)

    def holes(self, index: Tensor, missing: float, seed: int) -> Tensor:
        """See `MultimodalDataset.observed`, for some items: (M, n), drawn shard by shard."""
        if missing == 0 and not self.masked:
            return torch.ones(len(self.modalities), len(index), dtype=torch.bool)
        ends = self.sizes.cumsum(0)
        number = torch.searchsorted(ends, index, right=True)
        out = torch.empty(len(self.modalities), len(index), dtype=torch.bool)
        for k in number.unique().tolist():
            here = number == k
            g = torch.Generator().manual_seed(seed_of(seed, k))
            draws = torch.rand(len(self.modalities), int(self.sizes[k]), generator=g)
            seen = with_holes(draws, missing, self.shard(k)["mask"].bool().T if self.masked else None)
            out[:, here] = seen[:, index[here] - (ends - self.sizes)[k]]
        return out

    def epoch(
        self, epoch: int, batch_size: int, seed: int, generator: torch.Generator, missing: float = 0.0, skip: int = 0,
        rows: slice = slice(None),
    ) -> Iterator[Batch]:
        """See `MultimodalDataset.epoch`. Only the chosen rows of a batch are read."""
        for start in range(skip * batch_size, self.steps_per_epoch(batch_size) * batch_size, batch_size):
            index = self.order(epoch, seed, start, start + batch_size)[rows].contiguous()
            held = self.read(index)
            x = {name: stored_as_float(held[f"x.{name}"]) for name in self.modalities}
            yield Batch(x, self.holes(index, missing, seed), held["y"], held.get("attributes"))


def open_shards(name: str, split: str, root: str | Path | None, **options: Any) -> Shards:
    """Shards of a data set that is registered as `name`. See `Shards`."""
    if root is None:
        raise DataError("source 'shards' needs root, the folder that holds them")
    if split not in ("train", "test"):
        raise DataError(f"split must be 'train' or 'test', got {split!r}")
    if set(options) - {"augment"} or options.get("augment"):
        raise DataError(f"source 'shards' takes no {', '.join(options)}: items are as they were written")
    kind = DATASETS[name]
    cls = type(f"Sharded{kind.__name__}", (Shards, kind), {"kind": kind, "__doc__": Shards.__doc__})
    return cls(Path(root), split)


# -- writing -----------------------------------------------------------------------------------------------------------


def write(data: MultimodalDataset, folder: Path, shard_items: int = 10_000, passes: int = 1, seed: int = 0) -> int:
    """Write a split as shards into ``folder/split``, the index last; returns how many.

    Parameters
    ----------
    data : MultimodalDataset
    folder : Path
    shard_items : int
        Items of a shard; the last one may have fewer.
    passes : int
        1 writes the fixed view of every item; more write as many fresh views of all, as that many epochs would
        compose them.
    seed : int
        Of the order of the items and of fresh views. Items are mixed, because data sets come sorted by class.
    """
    if shard_items < 1 or passes < 1:
        raise DataError(f"shard_items and passes: expected positive integers, got {shard_items} and {passes}")
    generator = torch.Generator().manual_seed(seed)
    held: dict[str, list[Tensor]] = {}
    count = 0
    shards: list[dict[str, Any]] = []

    def put() -> None:
        nonlocal held, count
        tensors = {key: stored(torch.cat(parts)) if key.startswith("x.") else torch.cat(parts)
                   for key, parts in held.items()}
        path = folder / data.split / name_of(len(shards))
        write_tensors(path, tensors)
        shards.append({"items": count, "bytes": path.stat().st_size, "sha256": sha256(path)})
        held, count = {}, 0

    for _ in range(passes):
        order = torch.randperm(len(data), generator=generator)
        pairing = data.pairing(generator)
        while len(order):
            index, order = order.tensor_split([min(shard_items - count, 1000)])
            x = data.subset(index) if passes == 1 else data.items(index, pairing, generator)
            x = {name: v if data.mask is None else blank(v, data.mask[m, index])
                 for m, (name, v) in enumerate(x.items())}
            parts = {**{f"x.{name}": v for name, v in x.items()}, "y": data.y[index]}
            if data.attributes is not None:
                parts["attributes"] = data.attributes[index]
            if data.mask is not None:
                parts["mask"] = data.mask[:, index].T.contiguous()
            for key, values in parts.items():
                held.setdefault(key, []).append(values)
            count += len(index)
            if count == shard_items:
                put()
    if count:
        put()
    write_json(folder / data.split / INDEX, {
        "format": FORMAT, "dataset": data.name, "split": data.split, "source": data.source, "passes": passes,
        "origin": data.origins.get(data.source, data.source), "attributes": list(data.attribute_names),
        "mask": data.incomplete,
        "modalities": [m.as_plain() for m in data.modalities.values()],
        "items": sum(s["items"] for s in shards), "shards": shards,
    })
    return len(shards)


def seed_of(seed: int, number: int) -> int:
    """A seed for each window or shard."""
    return (seed * 1_000_003 + number) % 2**63


def name_of(number: int) -> str:
    """File name of a shard."""
    return f"{number:05d}.safetensors"


def stored(values: Tensor) -> Tensor:
    """Floats in [0, 1] as bytes, if that loses nothing; else as they are."""
    low, high = values.aminmax()
    if not (low >= 0 and high <= 1):  # NaN too; the conversion of what a byte cannot hold is undefined
        return values
    as_bytes = values.mul(255).round_().to(torch.uint8)
    return as_bytes if torch.equal(stored_as_float(as_bytes), values) else values


def stored_as_float(values: Tensor) -> Tensor:
    """The inverse of :func:`stored`."""
    return values.float().div_(255.0) if values.dtype == torch.uint8 else values.float()
