"""The app with a rule of one's own, docs/extend/aggregator.py, and two that do not work; for browser tests."""

from bvae.aggregators import AGGREGATORS
from bvae.app import router
from tests.support import extended

if "average-variance" not in AGGREGATORS:  # this file is run for every change
    extended.run("aggregator.py")
    AGGREGATORS.register("unfinished")(type("Unfinished", (), {}))
    AGGREGATORS.broken["half.py"] = "cannot be read: SyntaxError: invalid syntax (half.py, line 3)"
router.run()
