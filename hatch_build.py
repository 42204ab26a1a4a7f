"""What a wheel holds beside the package: theme, examples, and a small set of trained models with their judges."""

from pathlib import Path

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

DATASET = "polymnist"
SMALL_SET = ("mvae", "mmvae", "mopoe-vae", "wb-vae", "wb-vae-tc", "mwb-vae", "mvtcae", "mwb-vae-plus",
             "classifiers")


class Contents(BuildHookInterface):
    """Called by hatchling."""

    def initialize(self, version: str, build_data: dict) -> None:
        """Nothing for an editable installation, which reads all of it where it is."""
        if version == "editable":
            return
        root = Path(self.root)
        taken = {".streamlit/config.toml": "bvae/app/config.toml", "docs/extend": "bvae/app/extend"}
        taken |= {f"checkpoints/{DATASET}/{name}": f"bvae/checkpoints/{DATASET}/{name}" for name in SMALL_SET}
        build_data["force_include"].update({str(root / source): target for source, target in taken.items()})
