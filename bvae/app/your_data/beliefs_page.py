"""Your data, where a person brings what her own model believes: one file, through one item, maps and a comparison."""

from __future__ import annotations

import streamlit as st

from bvae.app.state import Form
from bvae.app.widgets import share
from bvae.app.widgets.choose import accept_names
from bvae.app.widgets.markdown import plain
from bvae.app.your_data import uploading
from bvae.app.your_data import your_data_panels as panels
from bvae.app.your_data.state import COMPARISON, MAP, OLDER, POSTERIOR, Own, YourData


def show() -> None:
    """The file, and one of the three parts of what is shown of it."""
    st.markdown("**What would another rule have made of it?** Until you bring a file, an example is shown.")
    with st.container(key="below_picture_file"):
        place, about = st.columns([1.2, 1], gap="large")
    with place:
        uploading.widget()
    data, is_example, example_file = uploading.current()
    views = list(data.modalities)
    form = Form(YourData, Own(data, is_example))
    with about:
        what = "**This is the example**: " if is_example else "**This is your file**: "
        st.markdown(what + f"{plain(data.name)}, {len(data):,} items, {len(views)} "
                    f"{'view' if len(views) == 1 else 'views'} ({plain(', '.join(views))}), {data.latent_dim} latent "
                    f"{'dimension' if data.latent_dim == 1 else 'dimensions'}, "
                    + (f"{len(data.classes):,} classes" if data.classes else "no labels") + ", "
                    + ("pictures of all views" if len(data.thumbnails) == len(views) else
                       f"pictures of {plain(', '.join(data.thumbnails))}" if data.thumbnails else "no pictures")
                    + ".")
        with st.container(horizontal=True):
            st.download_button("Download example.npz", lambda: example_file, "example.npz", "application/octet-stream",
                               icon=":material/download:", on_click="ignore")
            share.button("Your file is not in it: whoever opens it sees the example with these settings.", form)
            form.reset_button()
            if not is_example:
                st.button("Forget my file", icon=":material/delete:", on_click=uploading.forget_file)
        st.caption("Your file stays in the memory of this session: it is not written to disk, no other session sees "
                   "it, and it is gone when you close the page. Links hold the settings, never the file.")
    for field, older in OLDER.items():
        accept_names(form.key(field), list(older), older.__getitem__)
    shown = form.ask(st.segmented_control, "part", "Show", label_visibility="collapsed", wrap=True)
    {POSTERIOR: panels.posterior, MAP: panels.latent_map, COMPARISON: panels.comparison}[shown](form)
    with st.container(key="at_the_end_format"):
        st.divider()
        panels.instructions()
