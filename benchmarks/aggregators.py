"""Time and memory of aggregation rules: ``python -m benchmarks.aggregators``.

Every figure comes from one run of this script. Alternatives are timed in turn, round after round, so that whatever else
the machine does hits both; ratios are medians of the rounds' ratios, with their smallest and largest. Peers:

* a loop over subsets, written for the purpose: the straightforward way to write MWB and MoPoE;
* POT's Bures-Wasserstein barycenter, one item after the other, the only way that it has;
* MultiVae's ``poe`` and ``stable_poe``, if that package is installed (``pip install multivae``, ideally elsewhere:
  it brings many packages).
"""

from __future__ import annotations

import argparse
import functools
import itertools
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from bvae.aggregators import aggregator, aggregators

BATCH = 256


def experts(m: int, b: int, d: int, dtype=torch.float32) -> tuple[Tensor, Tensor]:
    """Random experts that want gradients."""
    g = torch.Generator().manual_seed(0)
    loc = torch.randn(m, b, d, generator=g, dtype=dtype).requires_grad_()
    scale = (torch.rand(m, b, d, generator=g, dtype=dtype) + 0.3).requires_grad_()
    return loc, scale


def step(rule: Callable, loc: Tensor, scale: Tensor) -> None:
    """Forward, the KL term, backward."""
    loc.grad = scale.grad = None
    q_loc, q_scale, weights = rule(loc, scale)
    kl = (0.5 * (q_scale.square() + q_loc.square() - 1) - q_scale.log()).sum(-1)
    (weights * kl).sum().backward()


def ours(name: str, **options) -> Callable:
    """A rule of this package as loc, scale -> loc (K, B, D), scale (K, B, D), weights (K, B)."""
    rule = aggregator(name, **options)

    def call(loc: Tensor, scale: Tensor):
        q = rule(loc, scale)
        return q.loc, q.scale, q.weights

    return call


def looped(inner: str) -> Callable:
    """The mixture over subsets as a loop: one subset after the other, appended to a list."""

    def call(loc: Tensor, scale: Tensor):
        m = len(loc)
        locs, scales = [], []
        for size in range(1, m + 1):
            for subset in itertools.combinations(range(m), size):
                members = list(subset)
                if inner == "wasserstein":
                    locs.append(torch.stack([loc[k] for k in members]).mean(0))
                    scales.append(torch.stack([scale[k] for k in members]).mean(0))
                else:
                    precision = torch.stack([1 / scale[k].square() for k in members])
                    total = precision.sum(0)
                    locs.append((precision * torch.stack([loc[k] for k in members])).sum(0) / total)
                    scales.append(total.rsqrt())
        weights = torch.full((len(locs), loc.shape[1]), 1 / len(locs))
        return torch.stack(locs), torch.stack(scales), weights

    return call


def seconds(action: Callable[[], None]) -> float:
    """Wall clock of one call."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def in_turn(actions: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every action in every round, after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + 1):
        for name, action in actions.items():
            elapsed = seconds(action)
            if number:
                times[name].append(elapsed)
    return times


def ratio(times: list[float], base: list[float]) -> str:
    """Median of the rounds' ratios, with smallest and largest."""
    values = [a / b for a, b in zip(times, base, strict=True)]
    return f"{statistics.median(values):6.2f} ({min(values):.2f}-{max(values):.2f})"


def all_rules(rounds: int) -> None:
    """Every rule at every size, in milliseconds, and as a ratio to PoE."""
    print(f"\nforward and backward, B = {BATCH}, float32: median ms, and the ratio to poe (median, smallest-largest)")
    for m, d in itertools.product((2, 5, 10), (64, 512)):
        names = [n for n in aggregators() if not (n == "hoelder" and m == 10 and d == 512)]
        heavy = m == 10
        actions = {}
        for name in names:
            if heavy and d == 512 and name in ("mopoe", "mwb"):
                continue  # see the memory table
            actions[name] = functools.partial(step, ours(name), *experts(m, BATCH, d))
        if heavy:
            actions["mwb, 32 subsets drawn"] = functools.partial(step, ours("mwb", num_subsets=32),
                                                                 *experts(m, BATCH, d))
        times = in_turn(actions, max(3, rounds // 4) if heavy else rounds)
        print(f"\nM = {m}, D = {d}")
        for name, values in times.items():
            print(f"  {name:<24}{1000 * statistics.median(values):9.2f} ms   x {ratio(values, times['poe'])}")


def beside_a_loop(rounds: int) -> None:
    """Mixtures over subsets beside the loop, at equal results."""
    print("\nbeside a loop over subsets (forward and backward): loop / ours")
    for (rule, inner), m, d in itertools.product((("mwb", "wasserstein"), ("mopoe", "poe")), (2, 5, 10), (64, 512)):
        if m == 10 and d == 512:
            continue
        loc, scale = experts(m, BATCH, d)
        a, b = ours(rule)(loc, scale), looped(inner)(loc, scale)
        torch.testing.assert_close(a[0], b[0], atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(a[1], b[1], atol=1e-4, rtol=1e-4)
        times = in_turn({"ours": functools.partial(step, ours(rule), loc, scale),
                         "loop": functools.partial(step, looped(inner), loc, scale)},
                        max(3, rounds // 4) if m == 10 else rounds)
        print(f"  {rule:<6} M = {m:>2}, D = {d:>3}: ours {1000 * statistics.median(times['ours']):8.2f} ms, "
              f"loop / ours = {ratio(times['loop'], times['ours'])}")


def beside_pot(rounds: int) -> None:
    """The Bures barycenter of full covariances beside POT's, forward only."""
    import ot

    print("\nBures barycenter, full covariance, float64, M = 5, tolerance 1e-7 on both sides: POT / ours")
    for b, d in ((1, 2), (64, 2), (64, 8), (16, 32)):
        g = torch.Generator().manual_seed(0)
        factor = torch.randn(5, b, d, d, generator=g, dtype=torch.float64)
        covariance = factor @ factor.mT / d + 0.2 * torch.eye(d, dtype=torch.float64)
        loc = torch.randn(5, b, d, generator=g, dtype=torch.float64)
        weights = torch.full((5, b), 0.2, dtype=torch.float64)
        from bvae.gaussians import full_covariance

        def pot(b=b, loc=loc, covariance=covariance):
            return [ot.gaussian.bures_wasserstein_barycenter(loc[:, k].numpy(), covariance[:, k].numpy(), num_iter=1000,
                                                             eps=1e-7)[1] for k in range(b)]

        def mine(covariance=covariance, weights=weights):
            return full_covariance.bures_barycenter(covariance, weights, tolerance=1e-7)[0]

        apart = max(float(abs(torch.from_numpy(theirs) - own).max()) for theirs, own in zip(pot(), mine(), strict=True))
        times = in_turn({"ours": mine, "POT": pot}, max(3, rounds // 4))
        print(f"  B = {b:>2}, D = {d:>2}: ours {1000 * statistics.median(times['ours']):8.2f} ms, POT / ours = "
              f"{ratio(times['POT'], times['ours'])}, largest difference {apart:.0e}")


def beside_multivae(rounds: int) -> None:
    """PoE beside MultiVae's functions, which check nothing and know no missing modality."""
    from bvae.data._torchvision import torchvision

    torchvision()  # MultiVae imports it; beside a CPU build of torch it needs the guard
    try:
        from multivae.models.base.base_utils import poe, stable_poe
    except ImportError:
        print("\nMultiVae is not installed: its PoE is left out")
        return
    print("\nPoE beside MultiVae's (forward and backward): MultiVae / ours. Ours checks its arguments and masks.")

    def theirs(function):
        def call(loc: Tensor, scale: Tensor):
            mean, log_variance = function(loc, 2 * scale.log())
            return mean.unsqueeze(0), (0.5 * log_variance).exp().unsqueeze(0), torch.ones(1, loc.shape[1])

        return call

    for m, d in itertools.product((2, 5, 10), (64, 512)):
        loc, scale = experts(m, BATCH, d)
        torch.testing.assert_close(theirs(stable_poe)(loc, scale)[0], ours("poe")(loc, scale)[0], atol=1e-4, rtol=1e-4)
        times = in_turn({"ours": functools.partial(step, ours("poe"), loc, scale),
                         "poe": functools.partial(step, theirs(poe), loc, scale),
                         "stable_poe": functools.partial(step, theirs(stable_poe), loc, scale)}, rounds)
        print(f"  M = {m:>2}, D = {d:>3}: ours {1000 * statistics.median(times['ours']):6.2f} ms, poe / ours = "
              f"{ratio(times['poe'], times['ours'])}, stable_poe / ours = {ratio(times['stable_poe'], times['ours'])}")


def share_of_training(rounds: int) -> None:
    """MWB at M = 5, D = 64 beside a whole training step of the shipped networks with D = 64."""
    import bvae
    from bvae.models.objectives import OBJECTIVES
    from bvae.training.settings import Settings

    torch.manual_seed(0)
    modalities = [bvae.Modality(f"m{k}", "image", (3, 28, 28)) for k in range(5)]
    model = bvae.MultimodalVAE(modalities, aggregator("mwb"), bvae.ModelConfig(latent_dim=64))
    x = {m.name: torch.rand(BATCH, 3, 28, 28).contiguous(memory_format=torch.channels_last) for m in modalities}
    present = torch.ones(5, BATCH, dtype=torch.bool)
    optimiser = torch.optim.AdamW(model.parameters(), fused=True)
    objective, generator = OBJECTIVES["elbo"](beta=2.5), torch.Generator().manual_seed(0)
    bfloat = Settings("polymnist", "mwb-vae").precision != "32-true"

    def train() -> None:
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=bfloat):
            loss = objective(model, x, present, generator).loss.mean()
        loss.backward()
        optimiser.step()

    loc, scale = experts(5, BATCH, 64)
    times = in_turn({"step": train, "mwb": lambda: step(ours("mwb"), loc, scale)}, max(5, rounds // 2))
    share = [a / b for a, b in zip(times["mwb"], times["step"], strict=True)]
    print(f"\nMWB, M = 5, D = 64, B = {BATCH}, with its KL and backward: {1000 * statistics.median(times['mwb']):.2f} "
          f"ms of a training step of {1000 * statistics.median(times['step']):.0f} ms (bfloat16 autocast): "
          f"{100 * statistics.median(share):.2f} percent ({100 * min(share):.2f}-{100 * max(share):.2f})")


CHILD = """
import re, torch
from pathlib import Path
from benchmarks.aggregators import experts, looped, ours, step

def peak():  # of this process image; getrusage would carry over the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))[1])

step({rule}, *experts(2, 8, 4))  # whatever the first call loads
loc, scale = experts({m}, {b}, {d})
before = peak()
step({rule}, loc, scale)
print(peak() - before)
"""


def memory() -> None:
    """Peak resident memory that one forward and backward adds, each in a process of its own."""
    if not Path("/proc/self/status").is_file():
        print("\npeak memory is read from /proc, which this system does not have")
        return
    print(f"\npeak memory that one forward and backward adds, B = {BATCH}, float32, MB:")
    cases = [(m, d, rule) for m, d in itertools.product((5, 10), (64, 512))
             for rule in ("ours('poe')", "ours('mwb')", "ours('mwb', num_subsets=32)", "looped('wasserstein')")]
    for m, d, rule in cases:
        if m == 10 and d == 512 and rule in ("ours('mwb')", "looped('wasserstein')"):
            print(f"  M = {m:>2}, D = {d:>3}  {rule:<28} left out: one tensor of all 1,023 subsets takes "
                  f"{1023 * BATCH * d * 4 / 1e6:.0f} MB")
            continue
        child = subprocess.run([sys.executable, "-c", CHILD.format(m=m, b=BATCH, d=d, rule=rule)], check=True,
                               capture_output=True, text=True, encoding="utf-8")
        print(f"  M = {m:>2}, D = {d:>3}  {rule:<28}{int(child.stdout) / 1000:9.1f}")


def main() -> None:
    """All tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--only", choices=["training", "loop", "multivae", "pot", "rules", "memory"])
    options = parser.parse_args()
    rounds = options.rounds
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} rounds")
    parts = {"training": share_of_training, "loop": beside_a_loop, "multivae": beside_multivae, "pot": beside_pot,
             "rules": all_rules, "memory": lambda _: memory()}
    for name, part in parts.items():
        if options.only in (None, name):
            part(rounds)


if __name__ == "__main__":
    main()
