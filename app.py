"""The app: ``streamlit run app.py``."""

from streamlit.starlette import App

from bvae.ui import arrival

if __name__ == "__main__":  # Streamlit runs this file for every visitor ...
    from bvae.ui import router

    router.run()
else:  # ... and its web server imports it once
    app = App(__file__, middleware=arrival.MIDDLEWARE, lifespan=arrival.lifespan)
