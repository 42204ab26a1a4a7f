"""What `bvae app` gives to Streamlit where there is no checkout; there it is ``app.py``.

Streamlit puts the folder of this file in front of the path of imports: nothing in it may be called as a module of the
standard library is (`tests/unit/test_structure.py`).
"""

from streamlit.starlette import App

from bvae.app import arrival, live_files

if __name__ == "__main__":  # Streamlit runs this file for every visitor ...
    from bvae.app import router

    router.run()
else:  # ... and its web server imports it once
    app = App(__file__, middleware=arrival.MIDDLEWARE, lifespan=arrival.lifespan, routes=live_files.ROUTES)
