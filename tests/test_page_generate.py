"""The Generate page opens on a finished answer, in each of its tasks and for each data set, and its code runs."""

import pytest

from bvae.ui import loaders
from tests.test_pages import open_page

PAGE = "pages/generate.py"


@pytest.mark.parametrize("data", ["polymnist", "mnist-svhn-text", "celeba"])
def test_every_task_opens(data):
    if not loaders.trained(data):
        pytest.skip("no model of this data set")
    app = open_page(PAGE, data=data)
    task = app.segmented_control[0]
    for option in list(task.options):
        app.segmented_control[0].set_value(task.options[list(task.options).index(option)])
        app.run()
        assert not app.exception, [e.value for e in app.exception]
