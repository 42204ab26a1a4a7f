"""The Generate page opens on a finished answer, in each of its tasks and for each data set, and its code runs."""

import pytest

from bvae.ui import loaders
from tests.test_pages import open_page

PAGE = "pages/generate.py"


@pytest.mark.parametrize("data", ["polymnist", "mnist-svhn-text", "celeba"])
def test_every_task_opens(data):
    assert loaders.trained(data)
    app = open_page(PAGE, data=data, seed="5")
    task = app.segmented_control[0]
    for option in list(task.options):
        app.segmented_control[0].set_value(task.options[list(task.options).index(option)])
        app.run()
        assert not app.exception, [e.value for e in app.exception]
        assert app.number_input(key="seed").value == 5
    next(b for b in app.button if "Reset" in b.label).click().run()
    assert not app.exception, [e.value for e in app.exception]
    assert app.number_input(key="seed").value == 0
