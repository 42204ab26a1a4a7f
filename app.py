"""The app: ``streamlit run app.py``."""

from streamlit.starlette import App

from bvae.app import arrival, live_files

if __name__ == "__main__":  # Streamlit runs this file for every visitor ...
    from bvae.app import router

    router.run()
else:  # ... and its web server imports it once
    app = App(__file__, middleware=arrival.MIDDLEWARE, lifespan=arrival.lifespan, routes=live_files.ROUTES)
