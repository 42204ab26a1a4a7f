"""Reproduce: Python and a command line that give the same numbers as the page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

import bvae
from bvae.aggregators import options_of
from bvae.app.widgets import fold

if TYPE_CHECKING:
    from bvae.app.beliefs.scene import Scene
    from bvae.app.beliefs.tampering import Tampering
    from bvae.data import MultimodalDataset


def explore_code(
    data_name: str, model_name: str, item: int, observed: list[str], scene: Scene, num_samples: int, seed: int,
    data: MultimodalDataset, tampered: Sequence[Tampering] = (),
) -> str:
    """A script that rebuilds the joint posterior and the generations of Explore, lies and damage included."""
    options = "".join(f", {k}={v!r}" for k, v in options_of(scene.rule).items())
    x = "{" + ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed) + "}"
    lines = [
        "import torch",
        "import bvae",
        *(["from bvae.data import corruption"] if any(t.damage is not None for t in tampered) else []),
        "from bvae.aggregators.comparison import affordable_samples, distances",
        "",
        f'data = bvae.dataset("{data_name}", split="test")',
        f'model = bvae.load("{data_name}", "{model_name}")',
        f'rule = bvae.aggregator("{scene.rule_name}"{options})',
    ]
    if not observed:
        return "\n".join([*(line for line in lines[:-1] if "comparison" not in line), "",
                          "# Nothing is observed: samples of the prior.",
                          f"z = torch.randn({num_samples}, 1, model.latent_dim, "
                          f"generator=torch.Generator().manual_seed({seed}))",
                          "images = model.decode(z)",
                          "print({name: values.mean().item() for name, values in images.items()})"])
    weights = "None" if scene.weights is None else f"torch.tensor({[round(w, 6) for w in scene.weights.tolist()]})"
    return "\n".join([
        *lines,
        f"x = {x}",
        *(line for t in tampered for line in t.code(data)),
        f"weights = {weights}",
        "q = model.encode(x, aggregator=rule, weights=weights)  # the joint posterior",
        "print(q.mean, q.variance)",
        f"experts = model.experts({{**data.subset([{item}]), **x}})  # those that are not observed have distances too",
        "loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
        "joint = model.shared(q)",
        "far = distances(loc, scale, joint, affordable_samples(joint))",
        "for m, name in enumerate(model.modalities):",
        "    print(name, *(d[m].item() for d in (far.wasserstein2, far.kl_from_aggregate, far.kl_to_aggregate)))",
        f"images = model.generate(x, num_samples={num_samples}, aggregator=rule, weights=weights,",
        f"                        generator=torch.Generator().manual_seed({seed}))",
    ])


def beliefs_code(rules: Sequence[str], loc: Sequence[float], scale: Sequence[float]) -> str:
    """A script that prints mean and standard deviation of joint beliefs on a line, as Home shows them."""
    return "\n".join([
        "import torch",
        "import bvae",
        "",
        f"loc = torch.tensor({[round(v, 6) for v in loc]}).view(-1, 1, 1)  # (M, B, D): image, sound, text",
        f"scale = torch.tensor({[round(v, 6) for v in scale]}).view(-1, 1, 1)",
        "joint = {}",
        f"for name in {list(rules)!r}:",
        "    q = bvae.aggregator(name)(loc, scale)",
        "    joint[name] = (q.mean.item(), q.variance.sqrt().item())",
        '    print(f"{name}: mean {joint[name][0]:.2f}, standard deviation {joint[name][1]:.2f}")',
    ])


def benchmark_code(data_name: str, names: Sequence[str], metric: str) -> str:
    """A script that prints one figure of several checkpoints, from their metrics.json."""
    return "\n".join([
        "import bvae",
        "from bvae.metrics import written",
        "",
        "figures = {}",
        f"for name in {list(names)!r}:",
        f'    checkpoint = bvae.training.load_checkpoint("{data_name}", name)',
        f'    figures[name] = checkpoint.metrics.get("{metric}", {{}})  # number of observed views -> mean, se',
        "    print(name, checkpoint.hash[:12], {views: written(v) for views, v in figures[name].items()})",
    ])


def uploaded_code(
    is_example: bool, rules: Sequence[str], item: int, observed: Sequence[bool], weights: Sequence[float] | None = None
) -> str:
    """A script that gives the joint posteriors of one item of a file of posteriors, as Your data shows them.

    `weights` None is uniform.
    """
    file = "example.npz" if is_example else "YOUR_FILE.npz"
    share = f"torch.tensor({[round(w, 6) for w in weights]})" if weights else "None"
    return "\n".join([
        "from pathlib import Path",
        "import torch",
        "import bvae",
        "from bvae.data import uploads",
        "from bvae.aggregators.comparison import distances, entropy",
        "",
        f'data = uploads.read(Path("{file}").read_bytes())  # ' + (
            "the page's download button gives this file" if is_example else
            "the file that you uploaded, .npz or .safetensors"),
        f"loc, scale, there = (v[:, {item}:{item + 1}] for v in data.experts)",
        f"present = torch.tensor({list(observed)!r}).unsqueeze(1) & there",
        f"weights = {share}",
        "joint = {}",
        f"for name in {list(rules)!r}:",
        "    q = joint[name] = bvae.aggregator(name)(loc, scale, present, weights)",
        "    far = distances(loc, scale, q)",
        "    print(name, q.variance.sqrt().mean().item(), entropy(q).value.item(), far.wasserstein2[:, 0].tolist())",
    ])


def show(
    code: str, file_name: str, *, checkpoints: Sequence[str] = (), seed: int | None = None,
    commands: Sequence[tuple[str, str]] = (), title: str = "Reproduce these numbers",
) -> None:
    """Python and command lines that give the same numbers, with what they depend on.

    Parameters
    ----------
    code : str
    file_name : str
        Of the script, ending in ".py".
    checkpoints : sequence of str
        Markdown, such as "mwb-vae 0123456789ab".
    seed : int, optional
    commands : sequence of (str, str)
        Further command lines, each with what it does.
    title : str
    """
    def content() -> None:
        facts = [f"bvae {bvae.__version__}"]
        facts += [f"weights {', '.join(checkpoints)}"] if checkpoints else []
        facts += [f"seed {seed}"] if seed is not None else []
        st.markdown(f"{', '.join(facts)}. The address holds everything that you chose. In Python:")
        st.code(code, language="python")
        st.download_button(f"Download as {file_name}", lambda: code + "\n", file_name, "text/x-python",
                           icon=":material/download:", on_click="ignore", key="reproduce_file")
        st.markdown("On the command line:")
        lines = [f"python {file_name}  # the script above", *(f"{line}  # {does}" for line, does in commands)]
        st.code("\n".join(lines), language="bash")

    fold.show(title, "code", "reproduce", content)
