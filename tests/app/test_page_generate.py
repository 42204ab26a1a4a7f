"""The Generate page opens on a finished answer, in each of its tasks and for each data set, and its code runs."""

import pytest

from bvae.app import loaders
from tests.support.pages import open_page

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


def test_what_is_asked_goes_with_what_one_can_do():
    def asked(app):
        return [m.value for m in app.markdown if "it becomes one view" in m.value]

    app = open_page(PAGE, data="mnist-svhn-text", task="Draw or write")
    assert [a.startswith("**Draw a figure:**") for a in asked(app)] == [True]
    app.segmented_control(key="input").set_value("Type a text").run()
    assert [a.startswith("**Type a text:**") for a in asked(app)] == [True]
    app = open_page(PAGE, data="celeba", task="Draw or write")  # nothing to draw
    assert [a.startswith("**Type a text:**") for a in asked(app)] == [True]
    assert not asked(open_page(PAGE))
