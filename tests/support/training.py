"""Callbacks of trainings."""

from bvae.training.callbacks import OnStep


def after_step(function):
    """A callback that tells a function the number of finished steps after each of them."""
    return OnStep(lambda run: function(run.step))


def stop_after(number):
    """A callback that stops a training after a step, as a person does."""

    def stop(step):
        if step == number:
            raise KeyboardInterrupt

    return after_step(stop)
