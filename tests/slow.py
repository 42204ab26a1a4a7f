"""The tests outside of tests/browser that take several seconds each on an idle machine.

``pytest -m "not browser and not slow"`` leaves them out, `make test` does not. A name may stand for a whole file.
"""

from __future__ import annotations

FILES = {"test_distributed.py", "test_rebuild.py", "test_sweep.py", "test_verification.py", "test_survival.py",
         "test_jobs.py", "test_hostile.py", "test_celeba.py", "test_states.py", "test_windows.py", "test_resuming.py",
         "test_isolated.py"}
NAMES = {
    "test_ctrl_c_saves_and_says_how_to_go_on",
    "test_resume_equals_uninterrupted_bit_for_bit",
    "test_the_full_precision_state_is_exact_too",
    "test_training_with_missing_modalities",
    "test_a_stopped_run_goes_on_as_if_it_had_not_been",
    "test_every_aggregator_on_every_method",
    "test_more_samples_tighten_the_bound_and_dreg_has_nearly_the_same_gradient",
    "test_component_elbos_against_enumeration",
    "test_no_text_breaks_the_decoder",
    "test_nothing_that_a_browser_sends_breaks_the_check",
    "test_every_view_of_the_example_at_its_extremes",
    "test_your_datas_map",
    "test_any_changed_bytes",
    "test_the_loss_falls",
    "test_views_labels_and_modalities_fit_together",
    "test_a_tsne_is_computed_beside_the_page_can_be_stopped_and_is_shared",
    "test_the_process_gives_the_same_map_reports_its_steps_and_leaves_nothing",
    "test_every_control_of_every_view_at_its_extremes",
    "test_pages_show_a_model_of_images_and_words",
    "test_a_diverged_model_is_an_error_in_a_sentence",
    "test_every_page_shows_holes_and_kinds_that_cannot_be_drawn",
    "test_without_labels_nothing_is_said_of_classes",
}


def is_slow(item) -> bool:
    """Whether a collected test is in these lists."""
    return item.path.name in FILES or getattr(item, "originalname", item.name) in NAMES
