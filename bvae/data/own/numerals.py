"""Numbers as people write them: groups of thousands, percent signs, a minus that is no hyphen."""

from __future__ import annotations

from typing import Any

ANY = r"^[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d{1,3})?$"
PERCENT = r"\s*%$"
MARKS = r"['’ \x{00A0}\x{202F}\x{2009}]"
"""What stands between thousands and in no number as a decimal mark: apostrophes and blanks, narrow ones too."""
BY_MARKS = rf"^[+-]?[1-9]\d{{0,2}}({MARKS}\d{{3}})+([.,]\d+)?$"
BY_COMMAS, BY_POINTS = (rf"^[+-]?([1-9]\d{{0,2}}({group}\d{{3}})+|\d+)({decimal}\d+)?$"
                        for group, decimal in ((",", r"\."), (r"\.", ",")))
SURELY_COMMAS, SURELY_POINTS = r",\d{3}[.,]", r"\.\d{3}[.,]"
"""Two groups, or a group and decimals: then the mark can stand for nothing else."""


def plainly(words: Any) -> Any:
    """A column of texts without what stands in numbers for the eye, where all of them are numbers; else as it is.

    ``1 234``, ``1'234``, ``1,234.5`` and ``1.234,5`` become 1234 and 1234.5, ``45 %`` becomes 45, and a minus sign the
    hyphen that computers read. A single ``1,234`` stays, since it may be a thousand or have three decimals.

    Parameters
    ----------
    words : pyarrow array of texts
        Null for gaps.
    """
    import pyarrow.compute as pc

    def every(texts: Any, form: str) -> bool:
        return bool(pc.all(pc.match_substring_regex(texts, form)).as_py())

    def some(texts: Any, form: str) -> bool:
        return bool(pc.any(pc.match_substring_regex(texts, form)).as_py())

    if not every(words, r"\d"):
        return words
    found = pc.replace_substring(words, "−", "-")
    if every(found, PERCENT):
        found = pc.replace_substring_regex(found, PERCENT, "")
    if some(found, BY_MARKS):
        if every(found, rf"({BY_MARKS})|({ANY})"):
            found = pc.replace_substring_regex(found, MARKS, "")
    elif every(found, BY_COMMAS) and some(found, SURELY_COMMAS):
        found = pc.replace_substring(found, ",", "")
    elif every(found, BY_POINTS) and some(found, SURELY_POINTS):
        found = pc.replace_substring(pc.replace_substring(found, ".", ""), ",", ".")
    return found if every(found, ANY) else words
