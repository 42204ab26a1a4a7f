"""Your data: posteriors of any model, from one file, through the posterior view, the maps and the comparison."""

import streamlit as st

from bvae.app.state import Form, begin_page
from bvae.app.widgets import share
from bvae.app.widgets.markdown import plain
from bvae.app.your_data import uploading
from bvae.app.your_data import your_data_panels as show
from bvae.app.your_data.state import COMPARISON, MAP, POSTERIOR, Own, YourData

begin_page()
st.title("Your data")
st.markdown("**Bring the posteriors of your own model:** what would another barycenter have made of them? Until you "
            "do, an example is shown.")

# -- the file ------------------------------------------------------------------------------------------------------
place, about = st.columns([1.2, 1], gap="large")
with place:
    uploading.widget()
data, is_example, example_file = uploading.current()
views = list(data.modalities)
form = Form(YourData, Own(data, is_example))
with about:
    what = "**This is the example**: " if is_example else "**This is your file**: "
    st.markdown(what + f"{plain(data.name)}, {len(data):,} items, {len(views)} modalities "
                f"({plain(', '.join(views))}), {data.latent_dim} latent dimensions, "
                + (f"{len(data.classes):,} classes" if data.classes else "no labels") + ", "
                + (f"thumbnails of {plain(', '.join(data.thumbnails))}" if data.thumbnails else "no thumbnails")
                + ".")
    with st.container(horizontal=True):
        st.download_button("Download example.npz", lambda: example_file, "example.npz", "application/octet-stream",
                           icon=":material/download:", on_click="ignore")
        share.button("Your file is not in it: whoever opens it sees the example with these settings.", form)
        form.reset_button()
        if not is_example:
            st.button("Forget my file", icon=":material/delete:", on_click=uploading.forget_file)
    st.caption("Your file stays in the memory of this session: it is not written to disk, no other session sees it, "
               "and it is gone when you close the page. Links hold the settings, never the file.")

shown = form.ask(st.segmented_control, "part", "Show")
{POSTERIOR: show.posterior, MAP: show.latent_map, COMPARISON: show.comparison}[shown](form)
st.divider()
show.instructions()
