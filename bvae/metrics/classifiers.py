"""Classifiers of real images, one per modality: the judges of coherence. Trained on training items only.

There are two kinds: the judges, which have also seen real images that were blurred and faded, and sharp judges, which
have seen sharp images alone.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from bvae.data import DataError, MultimodalDataset, dataset
from bvae.data.base import Batch
from bvae.io import storage
from bvae.io.compact import buffers_of, widened, write_weights
from bvae.io.storage import StorageError, check_digest, sha256, write_json, write_stated
from bvae.metrics.average_precision import mean_average_precision
from bvae.models.named_modules import NamedModules

FOLDER, SHARP = "classifiers", "classifiers-sharp"
"""Folders of both kinds, beside the checkpoints of a data set."""
WIDTHS = {FOLDER: 32, SHARP: 16}
EPOCHS = {FOLDER: 40, SHARP: 15}


class ImageClassifier(nn.Module):
    """A small convolutional network: (B, C, H, W) floats in [0, 1] -> (B, num_classes) logits.

    Parameters
    ----------
    channels, num_classes : int
    num_attributes : int
        For data sets with attributes: as many further logits, see :meth:`logits`.
    stride : int
        Of the first convolution; 2 brings large images down at once.
    width : int
    """

    def __init__(
        self, channels: int, num_classes: int, num_attributes: int = 0, stride: int = 1, width: int = 32
    ) -> None:
        super().__init__()
        self.split = (num_classes, num_attributes)

        def block(inputs: int, outputs: int, stride: int = 1) -> list[nn.Module]:
            return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]

        self.features = nn.Sequential(
            *block(channels, width, stride),
            *block(width, width),
            nn.MaxPool2d(2),
            *block(width, 2 * width),
            *block(2 * width, 2 * width),
            nn.MaxPool2d(2),
            *block(2 * width, 3 * width),
            nn.AdaptiveMaxPool2d(2),
            nn.Flatten(),
            nn.Dropout(0.4),
        )
        self.head = nn.Linear(12 * width, num_classes + num_attributes)

    def logits(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Of the classes (B, num_classes), to be compared, and of the attributes (B, A), each by itself."""
        out = self.head(self.features((x * 2 - 1).contiguous(memory_format=torch.channels_last)))
        return out.split(self.split, dim=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.logits(x)[0]

    def attribute_scores(self, x: Tensor) -> Tensor:
        """Probabilities of the attributes: (B, A)."""
        return self.logits(x)[1].float().sigmoid()


class WordJudge(nn.Module):
    """Which of the data set's words a text shows best: (B, L, A) probabilities of characters -> (B, num_classes).

    There is nothing to learn: the data set knows how its words are written, see `MultimodalDataset.word_scores`.
    """

    def __init__(self, data: MultimodalDataset) -> None:
        super().__init__()
        self.score: Callable[[Tensor], Tensor]
        self.attribute_scores: Callable[[Tensor], Tensor]
        self.score, self.attribute_scores = data.word_scores, data.attribute_scores

    def forward(self, x: Tensor) -> Tensor:
        return self.score(x)


class Classifiers(NamedModules):
    """name of a modality -> its classifier; modalities that are neither pictures nor texts have none."""

    @torch.inference_mode()
    def probabilities(self, x: dict[str, Tensor], batch_size: int = 2048) -> dict[str, Tensor]:
        """Class probabilities: name -> (N, ...) images to name -> (N, num_classes), of modalities that have a judge."""
        self.eval()
        return {
            name: torch.cat([self[name](part).float().softmax(dim=-1) for part in values.split(batch_size)])
            for name, values in x.items() if name in self
        }

    @torch.inference_mode()
    def attribute_scores(self, x: dict[str, Tensor], batch_size: int = 2048) -> dict[str, Tensor]:
        """How sure the judges are of every attribute: name -> (N, ...) to name -> (N, A) in [0, 1]."""
        self.eval()
        judges: dict[str, Any] = dict(self.items())
        return {
            name: torch.cat([judges[name].attribute_scores(part) for part in values.split(batch_size)])
            for name, values in x.items() if name in judges
        }

    @torch.inference_mode()
    def features(self, name: str, x: Tensor, batch_size: int = 1024) -> Tensor:
        """What a judge of images sees before it decides: (N, C, H, W) -> (N, F)."""
        self.eval()
        net: Any = self[name]
        return torch.cat([net.features((part * 2 - 1).contiguous(memory_format=torch.channels_last)).float()
                          for part in x.split(batch_size)])


def soften(x: Tensor, generator: torch.Generator) -> Tensor:
    """Half of the images as they are, the others blurred and faded at random, as generations of VAEs are.

    A judge that has only seen sharp images reads a soft but legible digit as noise.

    Parameters
    ----------
    x : Tensor
        (B, C, H, W) floats in [0, 1].
    generator : torch.Generator

    Returns
    -------
    Tensor
        (B, C, H, W) floats in [0, 1].
    """
    draws = torch.rand(4, len(x), 1, 1, 1, generator=generator)
    chosen = draws[0] < 0.5
    soft = x
    for strength in draws[1:3]:
        soft = torch.lerp(soft, F.avg_pool2d(F.pad(soft, (1, 1, 1, 1), mode="replicate"), 3, 1), strength)
    mean = soft.mean((2, 3), keepdim=True)
    soft = mean + (0.4 + 0.6 * draws[3]) * (soft - mean)
    return torch.where(chosen, soft, x)


def build(data: MultimodalDataset, width: int = WIDTHS[FOLDER]) -> Classifiers:
    """Untrained classifiers for the image modalities of a data set, and judges of its texts if it can read them."""
    nets: dict[str, nn.Module] = {}
    for name, m in data.modalities.items():
        if m.kind == "image":
            stride = 1 + (m.shape[1] >= 48)
            nets[name] = ImageClassifier(m.shape[0], data.num_classes, len(data.attribute_names), stride, width)
        elif m.kind == "text" and type(data).word_scores is not MultimodalDataset.word_scores:
            nets[name] = WordJudge(data)
    return Classifiers(nets).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def loss_of(net: Any, x: Tensor, batch: Batch, there: Tensor) -> Tensor:
    """Cross-entropy of the class, with smoothed labels, and of each attribute of the batch that has some.

    Over the items that have the modality, `there` (B,) bool: the network, whose normalisation looks at all items of a
    batch, sees no other. The loss of no item is 0.
    """
    y, held = batch.y, batch.attributes
    if not bool(there.all()):
        x, y, held = x[there], y[there], None if held is None else held[there]
        if not len(x):
            return next(net.parameters()).sum() * 0.0
    classes, attributes = net.logits(x)
    loss = F.cross_entropy(classes.float(), y, label_smoothing=0.1)
    if held is not None:
        loss = loss + F.binary_cross_entropy_with_logits(attributes.float(), held.float())
    return loss


def train(
    root: Path, name: str, epochs: int | None = None, batch_size: int = 125, seed: int = 0, source: str = "embedded",
    data_root: str | None = None, folder: str = FOLDER,
) -> dict[str, dict[str, Any]]:
    """Train the judges of a data set and write them to ``root/name/folder``. See `bvae.dataset` for the source.

    Of the folder `SHARP` they never see a softened image, see :func:`soften`, and are narrower: half as many channels.

    Returns
    -------
    dict
        "accuracy": name of modality -> {"mean", "se"} on the test split; for data sets with attributes also
        "average_precision": name of modality -> {"mean", "se"}, the mean over the attributes.

    Raises
    ------
    DataError
        If the data set has no labels, or no modality that can be judged.
    """
    epochs = EPOCHS[folder] if epochs is None else epochs
    if isinstance(epochs, bool) or epochs < 1 or batch_size < 1:
        raise ValueError(f"epochs and batch_size: expected positive integers, got {epochs} and {batch_size}")
    files = {"root": data_root} if data_root else {}
    training = dataset(name, "train", source, augment=True, **files)
    test = dataset(name, "test", source, **files)
    torch.manual_seed(seed)  # initial weights and dropout; this runs as a command of its own
    if not training.labelled:
        raise DataError(f"data set {name!r}: it has no labels, so that there is nothing that classifiers could learn")
    nets = build(training, WIDTHS[folder])
    if not len(nets):
        raise DataError(f"data set {name!r}: none of its modalities ({', '.join(training.modalities)}) is a picture or "
                        "a text that it can read; classifiers are for these")
    softened = folder != SHARP
    fit(nets, training, epochs, batch_size, seed, softened)
    path = root / name / folder
    write_weights(path / "model.safetensors", nets.state_dict(), buffers=buffers_of(nets))
    config = {"dataset": name, "epochs": epochs, "batch_size": batch_size, "seed": seed, "augment": True,
              "soften": softened, "width": WIDTHS[folder], "source": source,
              "sha256": sha256(path / "model.safetensors")}
    write_stated(path / "config.json", config)
    load.cache_clear()
    figures = judged(load(root, name, folder), test, seed)
    write_json(path / "metrics.json", figures)
    return figures


def fit(
    nets: Classifiers, training: MultimodalDataset, epochs: int, batch_size: int, seed: int, softened: bool = True
) -> None:
    """Train classifiers in place, each on the items that have its modality; `softened`: see :func:`soften`."""
    learning = [m for m in nets if any(True for _ in nets[m].parameters())]
    if not learning:
        return
    optimizer = torch.optim.AdamW(nets.parameters(), weight_decay=0.05)
    steps = epochs * training.steps_per_epoch(batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps, pct_start=0.2)
    generator = torch.Generator().manual_seed(seed)
    nets.train()
    place = {m: k for k, m in enumerate(training.modalities)}
    # Processors without the instructions for it compute in half precision some ten times more slowly.
    half = torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    bar = tqdm(total=steps, desc=f"{training.name} classifiers", unit="step")
    for epoch in range(epochs):
        for batch in training.epoch(epoch, batch_size, seed, generator):
            x = {m: soften(batch.x[m], generator) if softened else batch.x[m] for m in learning}
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                losses = [loss_of(nets[m], x[m], batch, batch.present[place[m]]) for m in learning]
            optimizer.zero_grad(set_to_none=True)
            torch.stack(losses).sum().backward()
            optimizer.step()
            schedule.step()
            bar.update()
        bar.set_postfix(loss=f"{torch.stack(losses).mean().item():.3f}")
    bar.close()


def judged(nets: Classifiers, test: MultimodalDataset, seed: int) -> dict[str, dict[str, Any]]:
    """How well classifiers read the items that have their modality. See :func:`train`."""
    accuracy: dict[str, dict[str, float]] = {}
    place = {m: k for k, m in enumerate(test.modalities)}
    for modality, p in nets.probabilities({m: test.x[m] for m in nets}).items():
        hits = (p.argmax(dim=-1) == test.y).float()[test.present[place[modality]]]
        if len(hits):
            error = hits.std() / len(hits) ** 0.5 if len(hits) > 1 else torch.zeros(())
            accuracy[modality] = {"mean": hits.mean().item(), "se": error.item()}
    figures: dict[str, dict[str, Any]] = {"accuracy": accuracy}
    if test.attributes is not None:
        counts = torch.Generator().manual_seed(seed)
        figures["average_precision"] = {
            m: mean_average_precision([scores], test.attributes, counts, there=[test.present[place[m]]])
            for m, scores in nets.attribute_scores({m: test.x[m] for m in nets}).items()}
    return figures


def trained(root: Path, name: str, folder: str = FOLDER) -> bool:
    """Whether there are judges of a data set, whatever their state."""
    return (root / name / folder / "config.json").is_file()


@functools.lru_cache(maxsize=4)
def load(root: Path, name: str, folder: str = FOLDER) -> Classifiers:
    """The trained judges of a data set, in eval mode. Raises StorageError if they are missing or damaged."""
    path = root / name / folder / "model.safetensors"
    config = storage.read_json(path.with_name("config.json"))
    try:
        check_digest(config)
        stated, width = str(config["sha256"]), int(config.get("width", WIDTHS[FOLDER]))
    except (KeyError, TypeError, ValueError) as error:
        raise StorageError(f"{path.with_name('config.json')}: damaged ({error})") from error
    nets = build(dataset(name, "test"), width)
    try:
        stored, _ = storage.read_tensors_and_metadata(path, stated)
        nets.load_state_dict(widened(stored))
    except RuntimeError as error:
        raise StorageError(f"{path}: expected the classifiers of {name} ({error})") from error
    return nets.eval()
