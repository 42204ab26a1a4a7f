"""Are generated texts right, letter by letter and word by word?"""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bvae.metrics.base import METRICS, TEXTS, EvaluationData, all_experts, drawn_of, needs, summary
from bvae.models.vae import MultimodalVAE


def right_characters(written: str, truth: str) -> float:
    """Share of the characters of `truth` that `written` has, when `truth` is laid over it at its best place.

    Texts stand at random places, which no other modality knows: so the place does not count. What is right but moved
    against the rest of the text, behind a word too many, counts as wrong.
    """
    wanted, got = np.frombuffer(truth.encode(), np.uint8), np.frombuffer(written.encode(), np.uint8)
    if len(wanted) == 0:
        return 1.0
    windows = np.lib.stride_tricks.sliding_window_view(got, len(wanted))
    return float((windows == wanted).mean(1).max())


def right_words(written: str, truth: str, padding: str) -> float:
    """Number of words in both over the number in either. Words are what ", " and `padding` separate."""
    one, other = ({word for part in text.split(padding) for word in re.split(", ?", part) if word}
                  for text in (written, truth))
    return len(one & other) / len(one | other) if one | other else 1.0


@METRICS.register("text_accuracy")
@needs(TEXTS)
def text_accuracy(model: MultimodalVAE, data: EvaluationData, generator: torch.Generator) -> dict[str, Any]:
    """Texts generated from all other modalities, most probable characters, beside the item's own text.

    z ~ q(z | all modalities but the text), one sample an item. Characters: see :func:`right_characters`, of the text
    without what surrounds it. Words: see :func:`right_words`; for a text of one word, the share of exact ones. Mean
    over the text modalities.

    Returns
    -------
    dict
        "text_accuracy": "characters" and "words" -> {"mean", "se"}; nothing for data with nothing but one text. Items
        without the text, or with nothing else, are left out.
    """
    names = list(model.modalities)
    texts = [name for name in names if model.modalities[name].kind == "text"]
    if len(names) < 2:
        return {}
    test, experts = data.test, all_experts(model, data.test)
    characters: list[Tensor] = []
    words: list[Tensor] = []
    there: list[Tensor] = []
    for name in texts:
        others = tuple(m for m, other in enumerate(names) if other != name)
        z = drawn_of(model, experts, others, generator)
        written = [text for part in z.split(500) for text in test.read_text(model.decode(part, [name])[name])]
        truth = [text for start in range(0, len(test), 500)
                 for text in test.read_text(test.subset(slice(start, start + 500))[name])]
        pairs = list(zip(written, (t.strip(test.text_padding) for t in truth), strict=True))
        characters.append(torch.tensor([right_characters(w, t) for w, t in pairs]))
        words.append(torch.tensor([right_words(w, t, test.text_padding) for w, t in pairs]))
        there.append(experts.present[names.index(name)] & experts.present[list(others)].any(0))
    counted = torch.stack(there)  # (texts, N)
    if not bool(counted.any()):
        return {}

    def mean(values: list[Tensor]) -> dict[str, float]:
        each = torch.where(counted, torch.stack(values).double(), 0.0).sum(0) / counted.sum(0)
        return summary(each[counted.any(0)])

    return {"text_accuracy": {"characters": mean(characters), "words": mean(words)}}
