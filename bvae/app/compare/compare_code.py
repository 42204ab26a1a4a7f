"""Python that gives the numbers and pictures of Compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def compare_code(
    data_name: str, contenders: Sequence[tuple[str, str, Mapping[str, object] | None]], item: int,
    observed: Sequence[str], num_samples: int, seed: int,
) -> str:
    """A script that gives the joint posteriors, distances and generations of Compare.

    Parameters
    ----------
    contenders : sequence
        (name of the checkpoint, name of the rule, its options); options None for the rule as trained.
    """
    x = "{" + ", ".join(f'"{v}": data.x["{v}"][{item}:{item + 1}]' for v in observed) + "}"
    lines = ["import torch", "import bvae", "from bvae.aggregators.comparison import distances, entropy", "",
             f'data = bvae.dataset("{data_name}", split="test")', f"x = {x}  # what is observed",
             "joint, images = {}, {}"]
    one = len({model for model, _, _ in contenders}) == 1
    if one:
        lines.append(f'model = bvae.load("{data_name}", "{contenders[0][0]}")')
    if contenders[0][2] is None:
        rows = [f'name in {[model for model, _, _ in contenders]!r}:', f'    model = bvae.load("{data_name}", name)',
                "    rule, weights = model.aggregator, None"]
    else:
        rules = ", ".join(f'"{rule}": {dict(options)!r}' for _, rule, options in contenders)
        rows = [f"name, options in {{{rules}}}.items():", "    rule = bvae.aggregator(name, **options)",
                "    weights = torch.full((len(model.modalities),), 1 / len(model.modalities))"]
    lines.append("for " + rows[0])
    lines += rows[1:]
    if observed:
        lines += [
            "    q = joint[name] = model.shared(model.encode(x, aggregator=rule, weights=weights))",
            f"    images[name] = model.generate(x, num_samples={num_samples}, aggregator=rule, weights=weights,",
            f"                                  generator=torch.Generator().manual_seed({seed}))",
        ]
    else:
        lines += [
            "    # Nothing is observed: the joint posterior is the prior.",
            "    prior = torch.zeros(1, model.latent_dim)",
            "    q = joint[name] = model.shared(bvae.Posterior.gaussian(prior, prior + 1))",
            f"    z = torch.randn({num_samples}, 1, model.latent_dim, generator=torch.Generator().manual_seed({seed}))",
            "    images[name] = model.decode(z)",
        ]
    lines += [
        f"    experts = model.experts(data.subset(slice({item}, {item + 1})))",
        "    loc, scale = (v[..., : model.shared_dim] for v in (experts.loc, experts.scale))",
        "    far = distances(loc, scale, q)",
        "    print(name, q.variance.sqrt().mean().item(), entropy(q).value.item(), far.wasserstein2[:, 0].tolist())",
    ]
    return "\n".join(lines)
