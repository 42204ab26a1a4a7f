"""The static edition: the pages that need no server, as plain files for any web space, a class, or a USB stick.

`publishing.publish` writes it. `parts/` has one file for each of its pages, which registers itself; `shell` is what
all of them have in common, `texts` turns the app's Markdown into HTML, `components` are those of the app, the same
modules, which the small host in ``browser/host.mjs`` mounts as Streamlit does; `items` and `models` are what is known
of data and models beforehand; `files` collects all of it, measures it and writes it, whole or not at all.
"""
