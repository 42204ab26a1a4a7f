"""The app: ``streamlit run app.py``."""

import streamlit as st

st.set_page_config(page_title="bvae: how multimodal VAEs combine what they know", page_icon=":material/join_inner:",
                   layout="wide")

page = st.navigation(
    [
        st.Page("pages/home.py", title="Home", icon=":material/home:", default=True,
                help="The idea in one picture: three ways to combine what several experts believe."),
        st.Page("pages/explore.py", title="Explore", icon=":material/explore:", url_path="explore",
                help="Pick modalities and an aggregator; see the posteriors and what the model imagines."),
        st.Page("pages/latent_space.py", title="Latent space", icon=":material/scatter_plot:",
                url_path="latent-space", help="Maps of the latent space of all test items: PCA and t-SNE."),
    ],
    position="top",
)
page.run()
