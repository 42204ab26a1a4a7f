"""Checkpoints and records as far as tables are concerned, with figures that are functions of one number."""

from bvae.evaluation.records import Record, write
from bvae.io.storage import write_json
from bvae.training import Settings


def metrics(value, sha="a" * 64):
    """Figures that are functions of one number."""
    return {
        "coherence": {k: {"mean": value + int(k) / 100, "se": 0.01} for k in "1234"},
        "joint_coherence": {"mean": value / 2, "se": 0.02},
        "latent_accuracy_missing": {k: {"mean": value - int(k) / 1000, "se": 0.01} for k in ("0", "20", "50")},
        "coherence_missing": {k: {"mean": value - int(k) / 500, "se": 0.01} for k in ("20", "50")},
        "evaluation": {"test_items": 1000, "seed": 0, "metrics": ["coherence"], "sha256": sha, "seconds": 5.0},
    }


def settings(method="wb-vae", **changes):
    return Settings.for_method("polymnist", method, **{"steps": 10, "width": 4, "latent_dim": 2, **changes})
CONFIG = {"format": 1, "device": "cpu", "threads": 2, "seconds": 60.0, "sha256": "a" * 64}


def put_checkpoint(root, name="wb-vae", value=0.5, of=None):
    """A checkpoint as far as tables are concerned: its weights are never read."""
    folder = root / "polymnist" / name
    write_json(folder / "config.json", {**CONFIG, "modalities": [], "settings": (of or settings(name)).as_dict()})
    (folder / "model.safetensors").write_bytes(b"")
    write_json(folder / "metrics.json", metrics(value))


def put_record(root, name, value, **changes):
    record = Record(name, settings(**changes), CONFIG, metrics(value))
    return record, write(record, root)


def put_family(root):
    put_checkpoint(root)
    put_record(root, "wb-vae-seed-1", 0.6, seed=1)
    put_record(root, "wb-vae-seed-2", 0.7, seed=2)
    put_record(root, "wb-vae-missing-20", 0.55, missing=0.2)
    put_record(root, "wb-vae-missing-50", 0.65, missing=0.5)
