"""Models and data whose right answer is known."""

import torch
from torch import nn

import bvae


class Known(nn.Module):
    """An encoder that reads the class from the first pixels, or sees nothing."""

    def __init__(self, sees: bool):
        super().__init__()
        self.sees = sees

    def forward(self, x):
        loc = x[:, 0, 0, :10] * 20 if self.sees else torch.zeros(len(x), 10)
        return torch.cat([loc, torch.full_like(loc, -20.0)], dim=1)  # softplus(-20): no spread


class Shows(nn.Module):
    """A decoder that writes z into the first pixels."""

    def forward(self, z):
        x = torch.zeros(len(z), 1, 12, 12)
        x[:, 0, 0, :10] = (z / 20).clamp(0, 1)
        return x


class Reads(nn.Module):
    """A judge that reads the class from the first pixels."""

    def forward(self, x):
        return x[:, 0, 0, :10] * 50

    def features(self, x):
        return x.flatten(1)


class Data:
    name, num_classes, attribute_names = "known", 10, ()
    observed = bvae.data.MultimodalDataset.observed

    def __init__(self, seed):
        g = torch.Generator().manual_seed(seed)
        self.y = torch.randint(10, (200,), generator=g)
        self.modalities = {n: bvae.Modality(n, "image", (1, 12, 12)) for n in ("a", "b", "c")}
        self.x = {n: torch.zeros(200, 1, 12, 12) for n in self.modalities}
        for values in self.x.values():
            values[torch.arange(200), 0, 0, self.y] = 1.0

    def __len__(self):
        return 200

    def subset(self, index):
        return {n: v[index] for n, v in self.x.items()}
