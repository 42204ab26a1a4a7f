"""Posteriors of your own model as a file for the page "Your data". mu and sigma are what your encoders return."""

import numpy as np

rng = np.random.default_rng(0)
n, d = 200, 8  # items, latent dimensions
labels = rng.integers(0, 3, n)
centre = rng.normal(size=(3, d))[labels]

np.savez_compressed(
    "posteriors.npz",
    mu_image=(centre + 0.3 * rng.normal(size=(n, d))).astype(np.float32),
    sigma_image=np.full((n, d), 0.4, np.float32),  # standard deviations, not variances or their logarithms
    mu_text=(centre + 0.6 * rng.normal(size=(n, d))).astype(np.float32),
    sigma_text=np.full((n, d), 0.8, np.float32),
    # Optional:
    present_text=rng.random(n) > 0.1,  # some items have no text
    labels=np.array(["cat", "dog", "bird"])[labels],
    thumbnails_image=rng.integers(0, 256, (n, 16, 16, 3), dtype=np.uint8),
    name=np.array("my model"),
)
