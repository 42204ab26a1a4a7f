"""Contact sheets of a data set."""

from __future__ import annotations

from pathlib import Path

from bvae.data.base import DataError, Modality, MultimodalDataset


def drawable(data: MultimodalDataset, modality: Modality) -> bool:
    """Whether a modality can be shown: a picture of 1, 3 or 4 channels, or a text that the data set can read."""
    if modality.kind == "image":
        return len(modality.shape) == 3 and modality.shape[0] in (1, 3, 4)
    return modality.kind == "text" and type(data).read_text is not MultimodalDataset.read_text


def contact_sheet(data: MultimodalDataset, path: Path, columns: int = 20, zoom: int = 2) -> None:
    """A PNG with items of all classes: one row a modality, one column an item; texts are written out.

    Modalities that are neither pictures nor texts that the data set can read have no row; what an item lacks is empty.

    Raises
    ------
    DataError
        If none of the modalities can be drawn.
    """
    import textwrap

    from PIL import Image, ImageDraw

    chosen = [round(k * (len(data) - 1) / max(1, columns - 1)) for k in range(columns)]
    drawn = [name for name, m in data.modalities.items() if drawable(data, m)]
    if not drawn:
        raise DataError(f"data set {data.name!r}: expected a modality that can be drawn, a picture or a text, got "
                        + ", ".join(f"{m.name!r} ({m.kind})" for m in data.modalities.values()))
    views = {name: values for name, values in data.subset(chosen).items() if name in drawn}
    side = zoom * max([m.shape[-1] for m in data.modalities.values() if m.kind == "image"], default=60)
    sheet = Image.new("RGB", (columns * (side + 2), len(views) * (side + 2)), "white")
    for row, (name, values) in enumerate(views.items()):
        for column, value in enumerate(values):
            if not data.has(name, chosen[column]):
                continue
            corner = (column * (side + 2) + 1, row * (side + 2) + 1)
            if data.modalities[name].kind == "image":
                pixels = (value * 255).round().byte().permute(1, 2, 0)[..., :3].expand(-1, -1, 3).numpy()
                sheet.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST), corner)
            else:
                text = data.read_text(value.unsqueeze(0))[0].strip(data.text_padding)
                middle = (corner[0] + 2, corner[1] + side // 2)
                lines = "\n".join(textwrap.wrap(text, side // 7))
                ImageDraw.Draw(sheet).text(middle, lines, "black", anchor="lm", spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
