"""Texts as a modality: any alphabet that the texts have, any length up to a limit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch

from bvae.data.base import DataError, Modality

MOST_LETTERS, LONGEST = 200, 512
"""Different characters that are kept, the commonest ones; and characters of a text."""
FILLER, UNKNOWN = " ", "\ufffd"


class Made(NamedTuple):
    """A modality of what was given.

    Attributes
    ----------
    modality : Modality
    values : Tensor or SparseRows
        (N, ...), NaN for gaps.
    notes : list of str
        What is to be said of it, in sentences.
    """

    modality: Modality
    values: Any
    notes: list[str]


def alphabet_of(texts: Sequence[str | None]) -> str:
    """The characters of texts, a blank first, at most :data:`MOST_LETTERS` of them; then one stands for all others.

    Raises DataError if there are none.
    """
    counted = Counter(letter for t in texts if t for letter in t if letter.isprintable())
    if not counted:
        raise DataError("expected texts, got none with a character in it")
    known = sorted(c for c, _ in counted.most_common(MOST_LETTERS) if c != FILLER)
    return FILLER + "".join(known) + UNKNOWN * (len(counted) > MOST_LETTERS)


def text_modality(
    key: str, texts: Sequence[str | None], alphabet: str = "", length: int = 0, where: str = ""
) -> Made:
    """A modality of texts, from one text an item (None: the item lacks it).

    Parameters
    ----------
    key : str
        Its name.
    texts : sequence
        Leading and trailing blanks, and blanks side by side, count as one or none.
    alphabet : str, optional
        Characters that are known, a blank first; by default those of the texts.
    length : int, optional
        L; by default that of the longest text, at most :data:`LONGEST`.
    where : str, optional
        What to call them in notes and errors.

    Returns
    -------
    Made
        Values are (N, L, A) one-hot, NaN where a text is missing.
    """
    where = where or f"x[{key!r}]"
    clean = [None if t is None else " ".join(str(t).split()) for t in texts]
    notes: list[str] = []
    if not length and not any(clean):
        raise DataError(f"{where}: expected texts, got none with a character in it")
    alphabet = alphabet or alphabet_of(clean)
    length = length or min(max(len(t) for t in clean if t), LONGEST)
    if cut := sum(len(t) > length for t in clean if t):
        notes.append(f"{where}: {cut:,} texts are longer than {length} characters and are cut there")
    places = {c: k for k, c in enumerate(alphabet)}
    stranger = places.get(UNKNOWN, 0)
    strange = sorted({c for t in clean if t for c in t if c not in places})
    if strange:
        notes.append(f"{where}: {len(strange):,} characters are not known and count as "
                     f"{'one' if stranger else 'blanks'}: {' '.join(c for c in strange[:10] if c.isprintable())}")
    codes = torch.zeros(len(clean), length, dtype=torch.int64)
    for k, t in enumerate(clean):
        if t:
            codes[k, : min(len(t), length)] = torch.tensor([places.get(c, stranger) for c in t[:length]])
    values = torch.nn.functional.one_hot(codes, len(alphabet)).float()
    values[[k for k, t in enumerate(clean) if not t]] = torch.nan
    try:
        return Made(Modality(key, "text", (length, len(alphabet))), values, notes)
    except ValueError as error:
        raise DataError(str(error)) from error
