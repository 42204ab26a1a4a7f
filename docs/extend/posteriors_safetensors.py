"""The same from PyTorch as a .safetensors file. The names of the classes and of the model are in its metadata."""

import json

import torch
from safetensors.torch import save_file

n, d = 200, 8  # items, latent dimensions
labels = torch.randint(3, (n,))
centre = torch.randn(3, d)[labels]

save_file(
    {
        "mu_image": centre + 0.3 * torch.randn(n, d),
        "sigma_image": torch.full((n, d), 0.4),  # standard deviations, not variances or their logarithms
        "mu_text": centre + 0.6 * torch.randn(n, d),
        "sigma_text": torch.full((n, d), 0.8),
        # Optional:
        "present_text": torch.rand(n) > 0.1,  # some items have no text
        "labels": labels,  # positions in "classes", or numbers that speak for themselves
        "thumbnails_image": torch.randint(256, (n, 16, 16, 3), dtype=torch.uint8),
    },
    "posteriors.safetensors",
    metadata={"classes": json.dumps(["cat", "dog", "bird"]), "name": "my model"},
)
