"""Texts as one-hot characters."""

from __future__ import annotations

import torch
from torch import Tensor

from bvae.data.errors import DataError


def one_hot_text(
    text: str, alphabet: str, padding: str, length: int, generator: torch.Generator | None = None
) -> Tensor:
    """One text as one-hot characters at a place in between fillers. See `MultimodalDataset.encode_text`.

    Parameters
    ----------
    text : str
    alphabet : str
        A characters, `padding` among them.
    padding : str
        The character that fills the rest.
    length : int
        L.
    generator : torch.Generator, optional

    Returns
    -------
    Tensor
        (1, L, A) float32.
    """
    word = text.lower().strip(f" {padding}")
    if not word:
        raise DataError("text: expected at least one letter, got none")
    unknown = sorted(set(word) - set(alphabet))
    if unknown:
        raise DataError(f"text: expected characters of {alphabet.replace(' ', '')!r} and blanks, got "
                        f"{', '.join(map(repr, unknown[:5]))}")
    if len(word) > length:
        raise DataError(f"text: expected at most {length} characters, got {len(word)}")
    places = length - len(word) + 1
    start = (places - 1) // 2 if generator is None else int(torch.randint(places, (), generator=generator))
    characters = padding * start + word + padding * (length - start - len(word))
    index = torch.tensor([alphabet.index(c) for c in characters])
    return torch.nn.functional.one_hot(index, len(alphabet)).float().unsqueeze(0)
