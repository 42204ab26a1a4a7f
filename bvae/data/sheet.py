"""Contact sheets of a data set."""

from __future__ import annotations

from pathlib import Path

from bvae.data.base import MultimodalDataset


def contact_sheet(data: MultimodalDataset, path: Path, columns: int = 20, zoom: int = 2) -> None:
    """A PNG with items of all classes: one row a modality, one column an item; texts are written out."""
    import textwrap

    from PIL import Image, ImageDraw

    views = data.subset([round(k * (len(data) - 1) / max(1, columns - 1)) for k in range(columns)])
    side = zoom * max(m.shape[-1] for m in data.modalities.values() if m.kind == "image")
    sheet = Image.new("RGB", (columns * (side + 2), len(views) * (side + 2)), "white")
    for row, (name, values) in enumerate(views.items()):
        for column, value in enumerate(values):
            corner = (column * (side + 2) + 1, row * (side + 2) + 1)
            if data.modalities[name].kind == "image":
                pixels = (value * 255).round().byte().permute(1, 2, 0).expand(-1, -1, 3).numpy()
                sheet.paste(Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST), corner)
            else:
                text = data.read_text(value.unsqueeze(0))[0].strip(data.text_padding)
                middle = (corner[0] + 2, corner[1] + side // 2)
                lines = "\n".join(textwrap.wrap(text, side // 7))
                ImageDraw.Draw(sheet).text(middle, lines, "black", anchor="lm", spacing=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path)
