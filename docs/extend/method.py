"""A method of one's own: one line in bvae/models/methods.py, or in a script as here, and a model is trained with it."""

import bvae
from bvae.models.methods import METHODS, Method
from bvae.training import Settings
from bvae.training.loop import train

METHODS.register("average-vae")(Method("Average-VAE", "average-variance", "elbo", "you, this year"))

settings = Settings.for_method("two-halves", "average-vae", steps=20, latent_dim=8, width=8)
train(settings, bvae.training.checkpoints_root() / "two-halves" / "average-vae", progress=False)
# The same from the command line, once the line is in bvae/models/methods.py:
#   python -m bvae train two-halves average-vae --steps 20
