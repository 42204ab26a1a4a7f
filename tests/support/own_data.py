"""Data sets as a person may bring them: both halves of scikit-learn's digits, with whatever oddity a test wants."""

import functools

import torch
from sklearn.datasets import load_digits
from torch import nn

from bvae.data.base import DATASETS, Modality, MultimodalDataset
from bvae.models.networks import NETWORKS, NetworkPair

SMALL = ("--latent-dim", "4", "--width", "8", "--precision", "32-true", "--warmup-steps", "1")


@functools.cache
def digits():
    """(N, 1, 8, 8) in [0, 1], (N,)."""
    found = load_digits()
    return torch.from_numpy(found.images).float().unsqueeze(1) / 16, torch.from_numpy(found.target)


class Encoder(nn.Module):
    """Numbers -> parameters of a Gaussian."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(shape[0], width), nn.SiLU(), nn.Linear(width, 2 * latent_dim))

    def forward(self, x):
        return self.net(x)


class Decoder(nn.Module):
    """A latent vector -> means of numbers."""

    def __init__(self, shape, latent_dim, width):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(latent_dim, width), nn.SiLU(), nn.Linear(width, shape[0]))

    def forward(self, z):
        return self.net(z).float()


def register(monkeypatch, name="own", labels=None, num_classes=10, holes=None, values=None, measured=False,
             names=("upper", "lower"), every=1):
    """Register a data set until the end of the test.

    Parameters
    ----------
    labels : callable, optional
        What it does to the labels.
    holes : float, optional
        What stands where a modality is missing, in a third of them; without it, nothing is missing.
    values : callable, optional
        What it does to the values of the first modality.
    measured : bool
        Whether the second modality is of a kind of its own, 32 measurements, instead of a picture.
    names : tuple of str
        Of both modalities.
    every : int
        Only every so many items, for tests that train.
    """
    monkeypatch.setitem(NETWORKS._entries, "measurements", NetworkPair(Encoder, Decoder))

    class Own(MultimodalDataset):
        """Both halves belong to one handwritten digit."""

        story = "Both halves belong to one handwritten digit."

        def __init__(self, split="test", source="embedded", **_):
            self.split, self.source = split, source
            kinds = (("image", (1, 4, 8)), ("measurements", (32,)) if measured else ("image", (1, 4, 8)))
            self.modalities = {n: Modality(n, kind, shape, f"the {half} half") for n, (kind, shape), half in
                               zip(names, kinds, ("upper", "lower"), strict=True)}
            images, y = digits()
            chosen = torch.arange(len(y)) % 5 == 0
            chosen = chosen if split == "test" else ~chosen
            images, self.y = images[chosen][::every], y[chosen][::every]
            lower = images[:, :, 4:].flatten(1) * 4 - 1 if measured else images[:, :, 4:]
            self.x = {names[0]: images[:, :, :4].clone(), names[1]: lower.clone()}
            if labels is not None:
                self.y = labels(self.y)
            if holes is not None:
                self.mask = torch.rand(2, len(images), generator=torch.Generator().manual_seed(1)) > 0.3
                self.mask[0] |= ~self.mask.any(0)
                for m, n in enumerate(names):
                    self.x[n][~self.mask[m]] = holes
            if values is not None:
                self.x[names[0]] = values(self.x[names[0]])

    Own.name, Own.num_classes = name, num_classes
    monkeypatch.setitem(DATASETS._entries, name, Own)
    return Own
