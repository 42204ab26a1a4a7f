"""Models as files that need no Python: every encoder and decoder as ONNX, beside them ``model.json``.

What runs in a browser (`bvae/app/components/live/browser`) is made here; :func:`bvae.export.folder.write` writes it.
"""
