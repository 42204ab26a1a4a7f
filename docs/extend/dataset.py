"""A data set of one's own. Put this file into bvae/data/: it registers itself, nothing else is edited."""

import torch
from sklearn.datasets import load_digits

from bvae.data.base import DATASETS, Modality, MultimodalDataset


@DATASETS.register("two-halves")
class TwoHalves(MultimodalDataset):
    """The 8 x 8 digits of scikit-learn, the upper and the lower half as two modalities."""

    name = "two-halves"
    story = "Both halves belong to one handwritten digit."
    num_classes = 10

    def __init__(self, split: str = "test", source: str = "embedded", **_):
        self.split, self.source = split, source
        self.modalities = {half: Modality(half, "image", (1, 4, 8), f"the {half} half") for half in ("upper", "lower")}
        digits = load_digits()
        chosen = torch.arange(len(digits.target)) % 5 == 0  # every fifth item is for testing
        chosen = chosen if split == "test" else ~chosen
        images = torch.from_numpy(digits.images).float().unsqueeze(1)[chosen] / 16  # (N, 1, 8, 8) in [0, 1]
        self.x = {"upper": images[:, :, :4], "lower": images[:, :, 4:]}
        self.y = torch.from_numpy(digits.target)[chosen]
        # Without labels: num_classes = 1, no y. Items that lack a half: self.mask, (2, N) bool, or NaN in its pixels.
