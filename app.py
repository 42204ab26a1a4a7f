"""The app: ``streamlit run app.py``."""

from bvae.ui import router

router.run()
