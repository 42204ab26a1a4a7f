"""``bvae.show``: Explore's live view in a notebook. No server of the app takes part in it."""

from bvae.app.without_server import without_server

with without_server():
    from bvae.app.notebook.widget import LiveView, show

__all__ = ["LiveView", "show"]
