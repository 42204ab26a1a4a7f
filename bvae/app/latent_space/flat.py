"""Models of two latent dimensions: which there are, and the way to a walk on their plane."""

from __future__ import annotations

import streamlit as st

from bvae.app.latent_space.state import LOOKS, WALK
from bvae.app.loaders import trained
from bvae.app.widgets.choose import Choice, data_label, first_model, label, ready
from bvae.io.storage import StorageError
from bvae.models.vae import MultimodalVAE
from bvae.training import load_checkpoint

CAME = "_walk_came_from"
"""In the session: the model that :func:`offer` led to, and why."""


def is_flat(model: MultimodalVAE) -> bool:
    """Whether the latent space is a plane."""
    return model.shared_dim == 2


@st.cache_data(max_entries=8, ttl=600, show_spinner=False)
def flat_models(names: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """Of checkpoints, (data set, name), those with two latent dimensions; one that cannot be read is not among them."""
    def dimensions(data_name: str, name: str) -> int | None:
        try:
            return load_checkpoint(data_name, name).settings.latent_dim
        except StorageError:
            return None

    return [pair for pair in names if dimensions(*pair) == 2]


def nearest(choice: Choice) -> tuple[str, str] | None:
    """A model of two dimensions, like the one that is shown where there is one; None if there is none at all."""
    data_name, model_name = choice.key.data_name, choice.key.model_name
    names = tuple((data, name) for data in ready() for name in trained(data))
    found = flat_models(names)

    def unlike(pair: tuple[str, str]) -> tuple[bool, bool, bool]:
        data, name = pair
        return data != data_name, not name.startswith(model_name), not name.startswith(first_model(data))

    return min(found, key=unlike, default=None)


def offer(choice: Choice, data_name: str, model_name: str) -> None:
    """A button that leads from what is shown to the walk in a model; there :func:`came` says why it is another one."""
    st.button(LOOKS[WALK], icon=":material/directions_walk:", on_click=_walk, args=(choice, data_name, model_name),
              key="walk_the_plane", help="Drag a point over the latent plane and see every view follow: in "
              f"{label(model_name)} of {data_label(data_name)}, which has two latent dimensions.")


def _walk(choice: Choice, data_name: str, model_name: str) -> None:
    key = choice.key
    why = (f"{label(key.model_name)} of {data_label(key.data_name)} has {choice.loaded.model.shared_dim} latent "
           f"dimensions, and no plane to walk on. This is {label(model_name)} of {data_label(data_name)}: it has two.")
    st.session_state.update({"data": data_name, "model": model_name, "look": WALK, CAME: (data_name, model_name, why)})


def came(choice: Choice) -> str:
    """Why another model is shown than the one from which :func:`offer` led here; nothing where none did."""
    *shown, why = st.session_state.get(CAME) or ("", "", "")
    return why if shown == [choice.key.data_name, choice.key.model_name] else ""
