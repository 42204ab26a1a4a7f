"""Data sets that a person brought and keeps on her computer: a folder each, with her files as they came.

``<runs>/data/<name>/`` holds the files, their ``bvae.toml``, and later ``models/``. Names come from what lies there:
none that comes from outside becomes a path.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

from bvae.data import DATASETS
from bvae.data.base import DataError
from bvae.data.own.manifest import DATASET_NAME, FILE, MODELS, Manifest, read_manifest, write_manifest
from bvae.data.own.registering import FOLDERS, register, unregister
from bvae.io.locking import BusyError, locked
from bvae.io.storage import WriteError
from bvae.runs import jobs, limits, queue
from bvae.training.checkpoint import runs_root


class KeptError(ValueError):
    """A data set cannot be kept or forgotten; the text says why."""


def may_keep(address: str | None) -> bool:
    """Whether data may be kept by an app that listens on this address: only its owner's own computer reaches it."""
    return (address or "").strip().lower().strip("[]") in limits.LOCAL


def kept_root() -> Path:
    """The folder of all kept data sets."""
    return runs_root() / "data"


def kept() -> dict[str, Path]:
    """Name -> folder of every data set that is kept, in the order of the names; links are not followed."""
    with contextlib.suppress(OSError):
        return {p.name: p for p in sorted(kept_root().iterdir())
                if DATASET_NAME.fullmatch(p.name) and not p.is_symlink() and (p / FILE).is_file()}
    return {}


def register_kept() -> list[str]:
    """Enter every kept data set that is not known yet into the registry of this process; what is gone is taken out.

    Returns
    -------
    list of str
        A sentence for each that cannot be: it begins with its name, and nothing is raised.
    """
    there, problems = kept(), []
    for name, path in list(FOLDERS.items()):
        if path.parent == kept_root().resolve() and name not in there:  # another process has deleted it
            unregister(name)
    for name, folder in there.items():
        if FOLDERS.get(name) == folder.resolve():
            continue
        try:
            if name in DATASETS:
                raise DataError("there is another data set of this name; give the folder and its bvae.toml another one")
            if (said := read_manifest(folder).name) != name:
                raise DataError(f"its {FILE} calls it {said!r}; one of both names has to be changed")
            register(folder)
        except (ValueError, OSError) as error:
            problems.append(f"{name}: {error}")
    return problems


def size(name: str) -> int:
    """Bytes of a kept data set, its models included. Raises KeptError if there is none of this name."""
    return limits.size(_folder(name))


def keep(source: Path, manifest: Manifest, name: str) -> Path:
    """Copy a folder's files to where they are kept, under a name, and register it; returns the new folder.

    Parameters
    ----------
    source : Path
        Its files as they came; links, hidden files and models in it are left out.
    manifest : Manifest
        Of these files; its name becomes `name`.
    name : str
        Small letters, digits and hyphens.

    Raises
    ------
    KeptError
        If the name cannot be one, is taken, or there is no room.
    WriteError
        If the folder cannot be written; nothing is left of it.
    """
    check_name(name)
    root = kept_root()
    needed = limits.size(source)
    try:
        root.mkdir(parents=True, exist_ok=True)
        if (free := shutil.disk_usage(root).free) < needed + limits.LIMITS.free:
            raise KeptError(f"{needed / limits.MIB:,.0f} MB are to be kept, and only {free / limits.MIB:,.0f} MB are "
                            f"free on the disk, of which {limits.LIMITS.free / limits.MIB:,.0f} MB have to stay free.")
        with locked(root, "keeping a data set", "try again"):
            check_name(name)
            with tempfile.TemporaryDirectory(prefix=".new-", dir=root) as fresh:
                inside = Path(fresh) / name
                shutil.copytree(source, inside, ignore=_left_out)
                write_manifest(inside, replace(manifest, name=name))
                os.replace(inside, root / name)
    except BusyError as error:
        raise KeptError(str(error)) from error
    except OSError as error:
        raise error if isinstance(error, WriteError) else WriteError(root / name, error) from error
    register(root / name)
    return root / name


def change(name: str, manifest: Manifest) -> None:
    """Let a kept data set be what another manifest says of its files; its models stay, and say where they differ.

    Raises
    ------
    KeptError
        If there is none of this name, or a run of it is still going or waiting.
    WriteError
        If it cannot be written; then it stays as it was.
    """
    folder = _folder(name)
    try:
        with locked(kept_root(), "changing a data set", "try again"):
            _check_at_rest(name)
            write_manifest(folder, replace(manifest, name=name))
    except (BusyError, jobs.JobError) as error:
        raise KeptError(str(error)) from error
    unregister(name)
    register(folder)


def check_name(name: str) -> None:
    """Raise KeptError, which says why, for a name that a new data set cannot have."""
    if not DATASET_NAME.fullmatch(name):
        raise KeptError(f"Name: expected 1 to 60 small letters, digits and hyphens, got {name[:60]!r}.")
    if name in kept():
        raise KeptError(f"Name: you keep a data set {name!r} already; choose another name, or delete that one first.")
    if name in DATASETS or os.path.lexists(kept_root() / name):
        raise KeptError(f"Name: {name!r} is taken; choose another.")


def forget(name: str) -> None:
    """Delete a kept data set with its models and its runs, and take it out of the registry.

    Raises
    ------
    KeptError
        If there is none of this name, or a run of it is still going or waiting.
    WriteError
        If it cannot be deleted.
    """
    folder = _folder(name)
    root = kept_root()
    try:
        with locked(root, "deleting a data set", "try again"):
            for job in _check_at_rest(name):
                queue.delete(job)
            gone = Path(tempfile.mkdtemp(prefix=".gone-", dir=root))
            os.replace(folder, gone / name)  # first it is no data set any more, then its files go
            shutil.rmtree(gone, ignore_errors=True)
    except (BusyError, jobs.JobError) as error:
        raise KeptError(str(error)) from error
    except OSError as error:
        raise WriteError(folder, error) from error
    if FOLDERS.get(name) == folder.resolve():
        unregister(name)


def _check_at_rest(name: str) -> list[jobs.Job]:
    """The runs of a data set. Raises KeptError if one is still going or waiting."""
    of_it = [job for job in jobs.jobs() if job.settings is not None and job.settings.dataset == name]
    if any(job.active or job.state == "queued" for job in of_it):
        raise KeptError(f"A run on {name!r} is still going or waiting; stop it first.")
    return of_it


def _folder(name: str) -> Path:
    """Of a kept data set, looked up. Raises KeptError if there is none."""
    found = kept()
    if name not in found:
        others = f"; there are {', '.join(found)}." if found else "."
        raise KeptError(f"No data set {name[:60]!r} is kept here{others}")
    return found[name]


def _left_out(folder: str, names: list[str]) -> list[str]:
    """What is not copied: links, hidden files, the old manifest, models."""
    return [n for n in names if n.startswith(".") or n in (FILE, MODELS) or os.path.islink(os.path.join(folder, n))]
