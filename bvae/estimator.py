"""`BarycentricVAE`: a multimodal VAE in scikit-learn's manner."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import NotFittedError
from torch import Tensor

from bvae.data.own import OwnData
from bvae.data.own.encoding import as_held, encoded
from bvae.data.own.from_arrays import from_arrays, from_frame, is_text, parts_of, picture_modality, plain
from bvae.data.own.tables import Table, columns_of_matrix, dense
from bvae.data.own.tags import tag_table
from bvae.data.own.texts import text_modality
from bvae.data.sparse import SparseRows, Values
from bvae.gaussians.posterior import Posterior
from bvae.io.storage import write_json
from bvae.metrics.log_likelihood import averaged, log_weights
from bvae.models.imputation import AT_ONCE, Imputed, impute
from bvae.models.vae import MultimodalVAE
from bvae.samplers import Sampler, best, posterior_draws
from bvae.samplers.files import write
from bvae.samplers.private import PrivateSampler, best_private
from bvae.training import calibrating
from bvae.training.checkpoint import CheckpointError, load_weights, read_checkpoint, save_model
from bvae.training.loop import train
from bvae.training.settings import Settings
from bvae.training.sizing import sized
from bvae.training.validation import held_out

ESTIMATOR = "estimator.json"
READ_AT_ONCE = 2**24
"""Numbers of a modality that a model reads together: what is sparse is dense for so many only."""
ONLY = "x"
"""Name of the modality where one array without groups is given."""


class Filled:
    """One modality of `BarycentricVAE.impute`, as arrays in the order of its columns.

    Attributes
    ----------
    mean : ndarray
        (N, columns): what was observed, else the mean. Pictures and texts: (N, ...).
    scale : ndarray
        Standard deviations, 0 where observed.
    samples : ndarray
        (S, N, ...).
    missing : ndarray
        bool.
    columns : list of str
        Names; of a category, "NAME=WORD" for each word, of which mean is the probability.
    """

    def __init__(self, imputed: Imputed, columns: list[str]) -> None:
        self.mean, self.scale, self.samples, self.missing = (v.numpy() for v in imputed)
        self.columns = columns


class CommonChance(Posterior):
    """A posterior as a proposal with the same chance for every item, see `Posterior.common`."""

    def rsample(self, sample_shape: tuple[int, ...] = (), generator: torch.Generator | None = None) -> Tensor:
        """See `Posterior.common`."""
        return self.common(sample_shape[0], generator)


class BarycentricVAE(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A multimodal VAE of one's own tables, pictures and texts, as an estimator.

    Parameters
    ----------
    method : str
        One of `bvae.methods`.
    latent_dim, steps, batch_size, learning_rate, width : optional
        See `bvae.training.Settings`; by default from the data, see `bvae.training.sizing`.
    beta : float, optional
        Weight of the divergence term; 1 is the bound itself. By default from the data.
    groups : mapping, optional
        Where one table is given: name of a modality -> names, or positions, of its columns.
    kinds : mapping, optional
        Name of a modality -> its kind, see `bvae.from_arrays`.
    weights : {"balanced", "cells"}
        Of the modalities' log-likelihoods: see `bvae.data.own.weights`, or 1 for each.
    validation : float, optional
        Share of the items that are kept to stop early; by default from the data.
    random_state : int or None
    verbose : bool
        Show a bar while it is trained.

    Attributes
    ----------
    model_ : MultimodalVAE
    settings_ : Settings
        What it was trained with.
    why_ : list of str
        Which sizes follow from the data, and which were given instead.
    notes_ : list of str
        What of the data was left out or changed.
    modalities_ : list of str
    draws_ : Draws
        Draws of the items' joint posteriors, to which :meth:`sample` fits what it draws from.
    n_features_in_ : int
        Columns of the table, or of all tables together.

    Examples
    --------
    >>> import numpy as np
    >>> x = {"a": np.random.rand(60, 4), "b": np.random.rand(60, 3)}
    >>> est = BarycentricVAE(latent_dim=2, steps=20, random_state=0).fit(x)
    >>> est.transform({"a": x["a"]}).shape
    (60, 2)
    """

    def __init__(
        self, method: str = "mwb-vae", latent_dim: int | None = None, *, steps: int | None = None,
        batch_size: int | None = None, learning_rate: float | None = None, width: int | None = None,
        beta: float | None = None,
        groups: Mapping[str, Sequence[Any]] | None = None, kinds: Mapping[str, str] | None = None,
        weights: str = "balanced", validation: float | None = None, random_state: Any = None, verbose: bool = False,
    ) -> None:
        self.method, self.latent_dim, self.steps, self.batch_size = method, latent_dim, steps, batch_size
        self.learning_rate, self.width, self.beta, self.groups, self.kinds = learning_rate, width, beta, groups, kinds
        self.weights, self.validation, self.random_state, self.verbose = weights, validation, random_state, verbose

    # -- in ------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None, ids: Sequence[Any] | None = None) -> BarycentricVAE:
        """Train a model.

        Parameters
        ----------
        X : mapping, list, DataFrame or array
            Name of a modality -> N rows, see `bvae.from_arrays`; a list of such; or one table, see `groups`.
        y : ignored
        ids : sequence, optional
            Names of the items.
        """
        data = from_arrays(self._parts(X, fitting=True), kinds=self.kinds, ids=ids, weights=self.weights)
        size = sized(data)
        wanted = {"latent_dim": self.latent_dim, "steps": self.steps, "batch_size": self.batch_size, "beta": self.beta,
                  "learning_rate": self.learning_rate, "width": self.width, "validation": self.validation}
        given = {k: v for k, v in wanted.items() if v is not None}
        changes = {**size.settings, **given, "seed": self._seed()}
        changes["warmup_steps"] = min(changes["warmup_steps"], changes["steps"] // 10)
        self.settings_ = Settings.for_method("own", self.method, **changes)
        instead = [f"given instead: {', '.join(f'{k} = {v}' for k, v in given.items())}"] if given else []
        self.why_, self.notes_, self.alphabet_ = [*size.why, *instead], list(data.notes), data.alphabet
        with tempfile.TemporaryDirectory() as folder:
            train(self.settings_, Path(folder), progress=self.verbose, data=data)
            self._take(load_weights(read_checkpoint(Path(folder))))
        if self.settings_.validation:
            self.model_.calibration = calibrating.fit(self.model_, held_out(data, self.settings_.validation)[1])
        self.draws_ = posterior_draws(self.model_, data, seed=self.settings_.seed)
        self.model_.private_sampler = best_private(self.model_, data, self.settings_.seed)
        return self

    def _take(self, model: MultimodalVAE) -> None:
        self.model_ = model
        self.modalities_ = list(model.modalities)

    def _seed(self) -> int:
        from sklearn.utils import check_random_state

        if isinstance(self.random_state, (int, np.integer)):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(2**31))

    def _parts(self, X: Any, fitting: bool = False) -> dict[str, Any]:
        """What was given, as name of a modality -> rows."""
        if isinstance(X, Mapping) and not hasattr(X, "toarray"):  # a sparse matrix may be a dictionary of keys
            parts = dict(X)
        elif isinstance(X, (list, tuple)) and X and all(hasattr(v, "shape") and len(v.shape) > 1 for v in X):
            names = [f"view {k + 1}" for k in range(len(X))] if fitting else self._fitted()
            if len(X) > len(names):
                raise ValueError(f"X: expected at most {len(names)} views, got {len(X)}")
            parts = dict(zip(names, X, strict=False))
        elif hasattr(X, "obs_names"):
            parts = parts_of(X)[0]
        else:
            parts = self._of_one(X, fitting)
        if not parts:
            raise ValueError("X: expected at least one modality, got none")
        if fitting:
            self.n_features_in_ = sum(_width(v) for v in parts.values())
        return parts

    def _of_one(self, X: Any, fitting: bool) -> dict[str, Any]:
        """The modalities of one table, see `groups`."""
        frame = hasattr(X, "__arrow_c_stream__") or hasattr(X, "__dataframe__")
        if not frame:
            X = _numbers(X)
            if X.ndim != 2:
                raise ValueError(f"X: expected a table of shape (N, columns), got {X.shape}. Reshape your data")
            if not fitting and X.shape[1] != self.n_features_in_:
                raise ValueError(f"X has {X.shape[1]} features, but {type(self).__name__} is expecting "
                                 f"{self.n_features_in_} features as input")
        if not self.groups:
            return {ONLY: X}
        if frame:
            table = from_frame("X", X)
            lacking = [c for g in self.groups.values() for c in g if str(c) not in table.columns]
            if lacking and (fitting or len(lacking) == sum(map(len, self.groups.values()))):
                raise ValueError(f"groups: expected columns of X, got {lacking[0]!r}")
            parts = {name: Table(name, {str(c): table.columns[str(c)] for c in columns if str(c) in table.columns}, 0)
                     for name, columns in self.groups.items()}
            return {name: part for name, part in parts.items() if part.columns}
        strange = [c for g in self.groups.values() for c in g
                   if not isinstance(c, (int, np.integer)) or not 0 <= c < X.shape[1]]
        if strange:
            raise ValueError(f"groups: expected positions of columns of X, from 0 to {X.shape[1] - 1}, got "
                             f"{strange[0]!r}")
        return {name: X[:, list(columns)] for name, columns in self.groups.items()}

    def _fitted(self) -> list[str]:
        if not hasattr(self, "model_"):
            raise NotFittedError(f"This {type(self).__name__} instance is not fitted yet. Call 'fit' first")
        return self.modalities_

    def _tensors(self, X: Any) -> tuple[Values, Tensor]:
        """Values and presence of given items, as the model knows its columns: x by name, (M, N) bool."""
        self._fitted()
        x: dict[str, Tensor | SparseRows] = {}
        for name, given in {name: plain(given) for name, given in self._parts(X).items()}.items():
            if name not in self.model_.modalities:
                raise ValueError(f"X: expected modalities of the model ({', '.join(self.modalities_)}), got {name!r}")
            x[name] = self._encoded(name, given)
        counts = {len(v) for v in x.values()}
        if len(counts) != 1:
            raise ValueError("X: expected as many rows in every modality, got "
                             + ", ".join(f"{len(v)} in {k!r}" for k, v in x.items()))
        n = counts.pop()
        present = torch.zeros(len(self.modalities_), n, dtype=torch.bool)
        for m, name in enumerate(self.modalities_):
            if name in x:
                held = x[name]
                present[m] = ~(held.empty() if isinstance(held, SparseRows) else held.flatten(1).isnan().all(1))
        return Values(x), present

    def _encoded(self, name: str, given: Any) -> Tensor | SparseRows:
        modality = self.model_.modalities[name]
        if modality.kind == "text":
            if not isinstance(given, list):
                raise ValueError(f"X[{name!r}]: expected N texts, got {type(given).__name__}")
            return text_modality(name, given, self.alphabet_, modality.shape[0]).values
        if not modality.columns:
            return picture_modality(name, np.asarray(given)).values
        if is_text(given):
            table = tag_table(f"X[{name!r}]", given, modality.columns)[0]
        elif isinstance(given, Table):
            table = given
        elif hasattr(given, "__arrow_c_stream__") or hasattr(given, "__dataframe__"):
            table = from_frame(f"X[{name!r}]", given)
        else:
            array = given if hasattr(given, "toarray") else np.asarray(given)
            if len(array.shape) != 2 or array.shape[1] != len(modality.columns):
                raise ValueError(f"X[{name!r}]: expected shape (N, {len(modality.columns)}), got {array.shape}")
            names = [c.name for c in modality.columns]
            table = Table(f"X[{name!r}]", columns_of_matrix(f"X[{name!r}]", array, names), 0)
        held: Tensor | SparseRows = as_held(encoded(table, modality.columns, missing_columns=True)[0])
        return held

    def as_dataset(self, X: Any) -> OwnData:
        """Given items as a data set of the model's modalities, for what takes one: metrics, maps, `bvae.show`."""
        x, present = self._tensors(X)
        return OwnData("own", list(self.model_.modalities.values()), x.held, present, alphabet=self.alphabet_)

    # -- out -----------------------------------------------------------------------------------------------------

    @torch.no_grad()
    def posterior(self, X: Any) -> Posterior:
        """The joint posterior of each item, from the views and cells that it has. An item without any has the prior."""
        x, present = self._tensors(X)
        widest = max(torch.Size(m.shape).numel() for m in self.model_.modalities.values())
        parts = []
        for rows in torch.arange(present.shape[1]).split(max(1, READ_AT_ONCE // widest)):
            q = self.model_.encode(x.of_items(rows), self.model_.aggregator.conditional(), present=present[:, rows])
            parts.append(self.model_.shared(q))
        return parts[0] if len(parts) == 1 else Posterior(
            *(torch.cat([getattr(q, part) for q in parts], 1) for part in ("weights", "loc", "scale")))

    def transform(self, X: Any) -> np.ndarray:
        """Means of the joint posteriors, (N, D) float32."""
        return self.posterior(X).mean.numpy()

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the latent dimensions."""
        self._fitted()
        return np.array([f"barycentricvae{k}" for k in range(self.model_.shared_dim)], dtype=object)

    def impute(self, X: Any, num_draws: int = 64, num_samples: int = 0,
               targets: Iterable[str] | None = None) -> dict[str, Filled]:
        """Everything that is missing, in the data's units. See `bvae.models.imputation.impute` and `Filled`."""
        x, present = self._tensors(X)
        generator = torch.Generator().manual_seed(self.settings_.seed)
        found = impute(self.model_, x, present, max(num_draws, num_samples), num_samples, generator, targets)
        return {name: Filled(values, self._names(name)) for name, values in found.items()}

    def _names(self, name: str) -> list[str]:
        """Names of a modality's cells."""
        return [f"{c.name}={w}" if c.type == "category" else c.name for c in self.model_.modalities[name].columns
                for w in (c.categories if c.type == "category" else ("",))]

    @torch.no_grad()
    def generate(self, X: Any, targets: Iterable[str] | None = None, num_samples: int = 1) -> dict[str, np.ndarray]:
        """Other views of the items: z ~ q(z | what is there), then the means. (num_samples, N, ...) by modality."""
        x, present = self._tensors(X)
        generator = torch.Generator().manual_seed(self.settings_.seed)
        out = self.model_.generate(x, targets, num_samples, generator, present=present)
        return {name: v.numpy() for name, v in out.items()}

    def sample(self, num_samples: int = 8, sampler: str | None = None) -> dict[str, np.ndarray]:
        """Inventions, no view goes in: means of all modalities, (num_samples, ...) each.

        z is drawn from where the items of :meth:`fit` are, see `bvae.samplers`, or with "prior" from N(0, I).
        """
        self._fit_sampler()
        generator = torch.Generator().manual_seed(self.settings_.seed)
        return {name: v.numpy() for name, v in self.model_.sample(num_samples, sampler, generator).items()}

    def _fit_sampler(self) -> None:
        self._fitted()
        if self.model_.sampler is None and hasattr(self, "draws_"):
            self.model_.sampler = best(self.draws_, self.settings_.seed)

    @torch.no_grad()
    def score_samples(self, X: Any, num_samples: int = 64) -> np.ndarray:
        """log p(x) of each item in nats, over what it has: a lower bound by importance sampling, (N,) float64.

        The draws' chance is the same for every item, so that what is said of one does not depend on the others.
        """
        x, present = self._tensors(X)
        widest = max(torch.Size(m.shape).numel() for m in self.model_.modalities.values())
        out = []
        for rows in torch.arange(present.shape[1]).split(max(1, AT_ONCE // (widest * num_samples))):
            generator = torch.Generator().manual_seed(self.settings_.seed)
            some, there = x.of_items(rows), present[:, rows]
            q = self.model_.encode(some, present=there)
            proposal = CommonChance(q.weights, q.loc, q.scale)
            log_w = log_weights(self.model_, some, proposal, num_samples, generator, there, num_samples * len(rows))
            out.append(averaged(log_w))
        return torch.cat(out).numpy()

    def score(self, X: Any, y: Any = None) -> float:
        """Mean of :meth:`score_samples`: higher is better."""
        return float(self.score_samples(X).mean())

    # -- files ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the model and all that is needed to go on with it into a folder; nothing is pickled."""
        self._fit_sampler()
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        save_model(folder, self.model_, self.settings_, {"seconds": 0.0, "items": 0})
        if isinstance(self.model_.sampler, Sampler):
            private = self.model_.private_sampler
            write(folder, self.model_.sampler, read_checkpoint(folder).hash,
                  private if isinstance(private, PrivateSampler) else None)
        if self.model_.calibration is not None:
            calibrating.write(folder, self.model_.calibration, read_checkpoint(folder).hash)
        groups = {k: [c.item() if isinstance(c, np.generic) else c for c in v] for k, v in (self.groups or {}).items()}
        facts = {"alphabet": self.alphabet_, "groups": groups or None, "kinds": dict(self.kinds or {}) or None,
                 "weights": self.weights, "why": self.why_, "notes": self.notes_,
                 "n_features_in": self.n_features_in_}
        write_json(folder / ESTIMATOR, facts)

    @classmethod
    def load(cls, path: str | Path) -> BarycentricVAE:
        """Read what :meth:`save` wrote. Raises CheckpointError for what is damaged."""
        folder = Path(path)
        checkpoint = read_checkpoint(folder)
        s = checkpoint.settings
        facts = _facts(folder / ESTIMATOR)
        out = cls(s.method, s.latent_dim, steps=s.steps, batch_size=s.batch_size, learning_rate=s.learning_rate,
                  width=s.width, beta=s.beta, groups=facts["groups"], kinds=facts["kinds"], weights=facts["weights"],
                  validation=s.validation, random_state=s.seed)
        out.settings_, out.why_, out.notes_, out.alphabet_ = s, facts["why"], facts["notes"], facts["alphabet"]
        out.n_features_in_ = facts["n_features_in"]
        out._take(load_weights(checkpoint))
        return out

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = []
        tags.non_deterministic = False
        return tags


FACTS: dict[str, Any] = {"alphabet": str, "groups": (dict, type(None)), "kinds": (dict, type(None)), "weights": str,
                         "why": list, "notes": list, "n_features_in": int}
"""What :data:`ESTIMATOR` holds."""


def _facts(path: Path) -> dict[str, Any]:
    """What an estimator's checkpoint has beside the model's files. Raises CheckpointError for what is damaged."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found, dict) or not all(isinstance(found.get(k), kind) for k, kind in FACTS.items()):
            raise ValueError("not what BarycentricVAE.save writes")
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: expected what BarycentricVAE.save writes, got a file that is missing or "
                              f"damaged ({error})") from error
    return found


def _numbers(X: Any) -> np.ndarray:
    """One array of numbers, dense or sparse; raises as scikit-learn does for what is none."""
    cells = dense("X", X)
    if cells.dtype.kind == "c":
        raise ValueError(f"Complex data not supported\n{cells[:2]}\n")
    if cells.dtype.kind == "O":
        cells = cells.astype(np.float64)
    if cells.ndim == 2 and (not cells.shape[0] or not cells.shape[1]):
        what = "sample" if not cells.shape[0] else "feature"
        raise ValueError(f"Found array with 0 {what}(s) (shape={cells.shape}) while a minimum of 1 is required.")
    return cells


def _width(given: Any) -> int:
    """Columns of a table; 1 of anything else."""
    if isinstance(given, Table):
        return len(given.columns)
    shape = getattr(given, "shape", None)
    return int(shape[1]) if shape is not None and len(shape) == 2 else 1
