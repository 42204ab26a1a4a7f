"""What `bvae app` gives to Streamlit where there is no checkout; there it is ``app.py``."""

from streamlit.starlette import App

from bvae.app import arrival

if __name__ == "__main__":  # Streamlit runs this file for every visitor ...
    from bvae.app import router

    router.run()
else:  # ... and its web server imports it once
    app = App(__file__, middleware=arrival.MIDDLEWARE, lifespan=arrival.lifespan)
