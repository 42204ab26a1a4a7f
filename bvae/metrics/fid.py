"""FID with the network it is defined by, where its weights are; nothing is downloaded."""

from __future__ import annotations

import functools
import importlib
import os
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bvae.data._torchvision import torchvision
from bvae.io.storage import StorageError, read_tensors
from bvae.metrics.base import METRICS, EvaluationData
from bvae.metrics.samples import frechet, real_images
from bvae.models.vae import MultimodalVAE

VARIABLE = "BVAE_INCEPTION"
SIDE = 299


def inception() -> nn.Module:
    """The network of FID, untrained: Inception v3 as TensorFlow's of 2015-12-05, (B, 3, 299, 299) -> (B, 2048).

    It differs from torchvision's in its poolings: those before a 1 x 1 convolution average over what is there (without
    the zeros of the border), and that of the very last block takes the maximum. 1,008 classes, which are not used.

    References
    ----------
    Heusel et al., NeurIPS 2017; Szegedy et al., CVPR 2016.
    """
    torchvision()
    network = importlib.import_module("torchvision.models.inception").Inception3(
        num_classes=1008, aux_logits=False, init_weights=False)
    for name, block in network.named_children():
        if hasattr(block, "branch_pool"):
            if name == "Mixed_7c":
                seen: list[Tensor] = []
                block.register_forward_pre_hook(lambda _, inputs, seen=seen: seen.append(inputs[0]))
                block.branch_pool.register_forward_pre_hook(
                    lambda _, inputs, seen=seen: (F.max_pool2d(seen.pop(), 3, stride=1, padding=1),))
            else:
                block.branch_pool.register_forward_pre_hook(lambda _, inputs: (without_border(inputs[0]),))
    return network.eval()


def without_border(pooled: Tensor) -> Tensor:
    """Averages of 3 x 3 that counted the border's zeros -> averages over the cells that exist."""
    ones = torch.ones_like(pooled[:1, :1])
    return pooled / F.avg_pool2d(ones, 3, stride=1, padding=1)


@functools.lru_cache(maxsize=1)
def load(path: Path) -> nn.Module:
    """The network with the weights in a safetensors file. Raises StorageError if they are not those of this network.

    The names are those of the usual PyTorch port (``pt_inception-2015-12-05``), see docs/results.md.
    """
    network = inception()
    try:
        network.load_state_dict(read_tensors(path))
    except RuntimeError as error:
        raise StorageError(f"{path}: expected the weights of FID's Inception v3 ({error})") from error
    return network


@torch.inference_mode()
def features(network: nn.Module, images: Tensor, batch_size: int = 50) -> Tensor:
    """(N, C, H, W) floats in [0, 1], C = 1 or 3 -> (N, 2048): resized bilinearly to 299 x 299, scaled to [-1, 1]."""
    found: list[Tensor] = []
    hook = network.get_submodule("avgpool").register_forward_hook(
        lambda _, inputs, output: found.append(output.flatten(1)))
    device = next(network.parameters()).device
    try:
        for part in images.split(batch_size):
            part = part.to(device).expand(-1, 3, -1, -1)
            part = F.interpolate(part, size=(SIDE, SIDE), mode="bilinear", align_corners=False)
            network(2 * part - 1)
    finally:
        hook.remove()
    return torch.cat(found).cpu()


@METRICS.register("fid")
def fid(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Fréchet Inception distance of unconditional samples to the test images, for every image modality.

    Only where $BVAE_INCEPTION names the weights of the network (safetensors); nothing without it, because another
    network's distance is not FID: see `bvae.metrics.samples` for one that needs no weights. As many samples as test
    items; the standard error is that of ten disjoint parts. With few images FID is biased upwards: compare it only
    between sets of the same size.

    Returns
    -------
    dict
        "fid": name of the modality -> {"mean", "se"}, or an empty dict.

    References
    ----------
    Heusel et al., NeurIPS 2017.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return {}
    network = load(Path(path))
    z = torch.randn(len(data.test), model.latent_dim, generator=generator)
    out = {}
    for name, modality in model.modalities.items():
        if modality.kind != "image":
            continue
        fake = torch.cat([model.decode(part, [name])[name] for part in z.split(500)])
        real_f, fake_f = features(network, real_images(data.test, name)), features(network, fake)
        parts = torch.tensor([frechet(real_f, part) for part in fake_f.chunk(10)])
        out[name] = {"mean": round(frechet(real_f, fake_f), 4), "se": round((parts.std() / 10**0.5).item(), 4)}
    return {"fid": out}
