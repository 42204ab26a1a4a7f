"""The app: ``streamlit run app.py``."""

from bvae.ui.router import navigation

navigation().run()
