"""The page Learn: its lessons, their links, and the teacher's sheet."""

import contextlib
import io
import ipaddress
import re
import shlex
from html.parser import HTMLParser

import numpy as np
import pytest

from bvae.app.components.playground import scenes
from bvae.app.learn import addresses, memory, paper_drawing, teachers_sheet
from bvae.app.learn import lessons as course
from bvae.app.learn.lessons import _pictures, read
from bvae.app.learn.lessons._references import REFERENCES
from bvae.app.learn.lessons._words import WORDS
from bvae.plots.style import DARK, LIGHT
from tests.support.pages import assert_clean, drawings, open_page

LESSONS = course.lessons()
PAGE = "pages/learn.py"
STEPS = [(name, number) for name, lesson in LESSONS.items() for number in range(1, len(lesson.steps) + 1)]
each_lesson = pytest.mark.parametrize("name", LESSONS)


def student_texts(lesson):
    """All that a student reads, derivation left out."""
    for step in lesson.steps:
        yield read(step.text)
        if step.question:
            yield from (read(t) for t in (step.question.text, step.question.because))
            yield from (f"{read(o.text)}. {read(o.why)}" for o in step.question.options)
    yield lesson.summary


# -- the lessons as data -----------------------------------------------------------------------------------------------


def test_there_are_twelve_lessons_of_two_to_five_minutes_in_their_order():
    assert [lesson.number for lesson in LESSONS.values()] == list(range(1, 13))
    for lesson in LESSONS.values():
        words = sum(len(text.split()) for text in student_texts(lesson))
        estimate = words / 200 + len(lesson.steps) / 4  # what one reads, and a look at each picture
        assert 2 <= lesson.minutes <= 5
        assert abs(estimate - lesson.minutes) <= 1, (lesson.title, estimate)


@each_lesson
def test_a_lesson_has_one_question_with_a_reason_for_every_option(name):
    lesson = LESSONS[name]
    assert sum(step.question is not None for step in lesson.steps) == 1
    question = lesson.question
    assert 3 <= len(question.options) <= 4
    assert sum(option.right for option in question.options) == 1
    assert question.common != question.right
    texts = [read(option.text) for option in question.options]
    assert len(set(texts)) == len(texts)
    assert all(len(read(option.why)) > 20 for option in question.options)
    assert lesson.summary
    assert lesson.trial.label
    assert lesson.derivation.assumptions
    assert lesson.derivation.lines
    assert set(lesson.derivation.references) <= set(REFERENCES)
    assert len(lesson.derivation.references) >= 2


@each_lesson
def test_the_marked_answer_is_what_the_picture_shows_and_no_other_is(name):
    for option in LESSONS[name].question.options:
        assert option.holds() == option.right, read(option.text)


@each_lesson
def test_no_term_is_used_that_the_lesson_neither_explains_nor_lists(name):
    lesson = LESSONS[name]
    known = set(lesson.words) | set(lesson.introduces)
    assert known <= set(WORDS)
    for text in student_texts(lesson):
        for key, word in WORDS.items():
            assert key in known or not re.search(word.pattern, text), (word.name, text)


@each_lesson
def test_what_a_lesson_introduces_its_own_text_explains(name):
    lesson = LESSONS[name]
    text = " ".join(student_texts(lesson))
    for key in lesson.introduces:
        assert re.search(WORDS[key].pattern, text), WORDS[key].name


@pytest.mark.parametrize("ink", [LIGHT, DARK], ids=["light", "dark"])
@each_lesson
def test_every_picture_can_be_heard_and_read_as_a_table(name, ink):
    for step in LESSONS[name].steps:
        for make in (step.picture, step.question and step.question.picture):
            if make:
                picture = make(ink)
                assert len(picture.alt) > 20
                assert picture.table is not None
                assert len(picture.table)
                assert not picture.titles or len(picture.titles) == len(picture.figures)


@pytest.mark.parametrize(("name", "number"), STEPS)
def test_the_reproduce_code_runs(name, number):
    code = read(LESSONS[name].steps[number - 1].code)
    assert code
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(code, f"{name}-{number}", "exec"), names)  # noqa: S102 - our own text, shown on the page
    assert printed.getvalue().strip()


def test_the_reproduce_code_of_the_quarrel_gives_the_numbers_of_its_picture():
    step = LESSONS["poe"].steps[LESSONS["poe"].question_step - 1]
    names: dict = {}
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(read(step.code), "quarrel", "exec"), names)  # noqa: S102
    row = step.question.picture(LIGHT).table.iloc[-1]
    np.testing.assert_allclose(row["mean"], names["q"].mean[0].item(), atol=1e-12)
    np.testing.assert_allclose(row["σ"], names["q"].total_covariance[0, 0, 0].item() ** 0.5)


# -- the claims --------------------------------------------------------------------------------------------------------


def test_a_product_is_as_sure_in_a_quarrel_as_in_agreement_and_of_an_echo_surer_than_of_one():
    widths = [_pictures.width_of(_pictures.line((-d, 1.0), (d, 1.0)), "poe") for d in (0.0, 0.5, 3.0)]
    np.testing.assert_allclose(widths, 0.5**0.5)
    np.testing.assert_allclose(_pictures.copies("poe", 6), np.arange(1, 7) ** -0.5, rtol=1e-6)
    np.testing.assert_allclose(_pictures.copies("moe", 6), 1.0, rtol=1e-6)


def test_products_are_calibrated_for_independent_errors_and_barycenters_for_common_ones():
    """Against the normal distribution: P = 2 Phi(1.645 sigma / tau) - 1."""
    from scipy.stats import norm

    for shared in (0.0, 0.4, 1.0):
        tau = (1 / 3 * (1 + 2 * shared)) ** 0.5
        for rule, sigma in (("poe", 3**-0.5), ("wasserstein", 1.0)):
            expected = 2 * norm.cdf(norm.ppf(0.95) * sigma / tau) - 1
            assert abs(_pictures.coverage_with_shared_errors(rule, 3, shared) - expected) < 0.01


def test_the_share_of_a_mixture_is_that_of_the_normal_distribution():
    from scipy.stats import norm

    scene = _pictures.line((-3.0, 1.0), (3.0, 1.0))
    np.testing.assert_allclose(_pictures.share_within(scene, "moe", 0, 1), norm.cdf(4) - norm.cdf(2), atol=1e-9)


def test_every_line_of_lesson_8_is_told_apart_by_colour_dash_and_name():
    lines = [t for t in LESSONS["choosing"].question.picture(LIGHT).figures[0].data if "markers" in t.mode]
    assert len(lines) == 4
    assert len({t.line.dash for t in lines}) == len({t.line.color for t in lines}) == len(lines)
    names = [a.text for a in LESSONS["choosing"].question.picture(LIGHT).figures[0].layout.annotations]
    assert names[:4] == ["PoE", "MoE", "Wasserstein", "MWB"]


def test_a_chart_of_all_models_names_one_of_each_rule_and_greys_the_others():
    picture = LESSONS["subsets"].steps[-1].picture(LIGHT)
    figure = picture.figures[0]
    bold = [t.name for t in figure.data if "markers" in t.mode]
    assert [a.text for a in figure.layout.annotations] == bold
    assert len(bold) == 5
    assert len(figure.data) == len(picture.table.columns) - 1
    assert {t.line.color for t in figure.data if t.name not in bold} == {LIGHT.faint}


# -- the page ----------------------------------------------------------------------------------------------------------


def link_labels(app):
    return [p.proto.label for p in app.get("page_link")]


def test_it_opens_on_all_lessons_and_the_first_picture():
    app = open_page(PAGE)
    assert len(drawings(app)) == 1
    assert not app.get("plotly_chart")
    assert all(any(lesson.title in label for label in link_labels(app)) for lesson in LESSONS.values())
    assert link_labels(app)[0] == "For teachers"
    assert app.markdown[0].value.startswith(f"{len(LESSONS)} lessons of 2 to 5 minutes")


@pytest.mark.parametrize(("name", "number"), STEPS)
def test_every_step_opens_from_its_link(name, number):
    app = open_page(PAGE, lesson=name, step=str(number))
    lesson = LESSONS[name]
    assert app.title[0].value.endswith(lesson.title)
    assert app.subheader[0].value == lesson.steps[number - 1].title
    assert len(app.radio) == (number == lesson.question_step)
    last = any(s.value.startswith("**In one sentence.**") for s in app.markdown)
    assert last == (number == len(lesson.steps))
    assert not any("Next: Playground" in label for label in link_labels(app))  # the lesson's own Next is the only one
    controls = [*(b.label for b in app.button), *link_labels(app), *(p.proto.popover.label for p in app.get("popover")),
                *(e.label for e in app.expander)]
    assert len(set(controls)) == len(controls), controls


@each_lesson
def test_the_prediction_comes_before_the_answer(name):
    lesson = LESSONS[name]
    question = lesson.question
    app = open_page(PAGE, lesson=name, step=str(lesson.question_step))
    assert app.radio[0].value is None
    assert app.radio[0].options == [f"**{'ABCD'[k]}** {read(o.text)}" for k, o in enumerate(question.options)]
    assert not app.info
    app.radio[0].set_value("abcd"[question.common]).run()
    assert_clean(app)
    assert app.query_params["answer"] == "abcd"[question.common]
    assert not app.info
    assert not app.warning
    next(b for b in app.button if b.label == "Show what happens").click().run()
    assert_clean(app)
    assert app.query_params["shown"] == "1"
    assert read(question.options[question.common].why) in app.warning[0].value
    assert app.info[0].value == read(question.because)
    assert any(f"1 of {len(LESSONS)} predicted" in c.value for c in app.caption)
    app.radio[0].set_value("abcd"[question.right]).run()
    assert_clean(app)
    assert read(question.options[question.right].why) in app.success[0].value
    next(b for b in app.button if b.label == "Reset").click().run()
    assert_clean(app)
    assert app.radio[0].value is None
    assert not {"answer", "shown"} & set(app.query_params)
    assert not any("predicted" in c.value for c in app.caption)


@each_lesson
def test_one_can_look_without_choosing_and_this_is_no_prediction(name):
    lesson = LESSONS[name]
    question = lesson.question
    app = open_page(PAGE, lesson=name, step=str(lesson.question_step))
    next(b for b in app.button if b.label == "Show what happens").click().run()
    assert_clean(app)
    assert app.query_params["shown"] == "1"
    assert "answer" not in app.query_params
    assert any(f"What happens: **{'ABCD'[question.right]}** {read(question.options[question.right].text)}" in m.value
               for m in app.markdown)
    assert app.info[0].value == read(question.because)
    assert not app.success
    assert not app.warning
    assert not any("predicted" in c.value for c in app.caption)
    assert open_page(PAGE, lesson=name, step=str(lesson.question_step), shown="1").info


def test_an_answer_is_not_lost_where_one_asks_what_happens_at_once():
    """A browser sends the address as it knows it, and did not hear yet that the answer is in it."""
    app = open_page(PAGE, lesson="poe", step="2")
    app.radio[0].set_value("b").run()
    del app.query_params["answer"]
    next(b for b in app.button if b.label == "Show what happens").click().run()
    assert_clean(app)
    assert app.query_params["answer"] == app.radio[0].value == "b"
    assert "But the rule cannot do it." in app.warning[0].value


@pytest.mark.parametrize("query", [
    {"lesson": "../../etc"}, {"lesson": "poe", "step": "0"}, {"lesson": "poe", "step": "99"},
    {"lesson": "poe", "step": "²"}, {"lesson": "poe", "step": "2", "answer": "<b>", "shown": "1"},
    {"lesson": "poe", "step": "2", "answer": "", "shown": "1"}, {"lesson": "poe", "step": "-1"}])
def test_a_bad_link_falls_back_quietly(query):
    app = open_page(PAGE, **query)
    assert not app.info
    assert not app.warning
    assert not app.success


def doors():
    for name, lesson in LESSONS.items():
        for step in lesson.steps:
            for door in step.links():
                yield pytest.param(door, id=f"{name}-{door.label}")
        yield pytest.param(lesson.trial, id=f"{name}-{lesson.trial.label}")


@pytest.mark.parametrize("door", doors())
def test_every_door_opens_with_its_controls_set(door):
    app = open_page(f"pages/{door.page}.py", **door.query)
    for key, value in door.sets.items():
        found = app.session_state[key]
        if key == "playground_scene":
            found, value = scenes.encode(found), scenes.encode(value)
        assert found == value, key


def test_without_a_trained_model_the_lessons_say_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    for name, lesson in LESSONS.items():
        app = open_page(PAGE, lesson=name, step=str(len(lesson.steps)))
        assert app.title[0].value.endswith(lesson.title)
    assert "Teacher's sheet" in teachers_sheet.sheet(LESSONS, "http://localhost:8501")


def test_with_a_damaged_model_the_lessons_say_so(tmp_path, monkeypatch):
    folder = tmp_path / "polymnist" / "mwb-vae"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    monkeypatch.setenv("BVAE_CHECKPOINTS", str(tmp_path))
    for name, lesson in LESSONS.items():
        open_page(PAGE, lesson=name, step=str(len(lesson.steps)))


# -- the teacher's sheet -----------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """Tags with their attributes, and whether they nest."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_teachers_sheet_is_whole_and_stands_alone():
    text = teachers_sheet.sheet(LESSONS, "http://class.example:8501")
    outline = Outline()
    outline.feed(text)
    assert not outline.open
    assert not [t for t, a in outline.found if t in ("script", "link", "img", "iframe") or "src" in a]
    assert "only that computer reaches" not in text
    assert "url(" not in text
    assert "@import" not in text
    plain = teachers_sheet.html.unescape(re.sub(r"<[^>]+>", "", text))
    for name, lesson in LESSONS.items():
        assert f"http://class.example:8501/learn?lesson={name}&step={lesson.question_step}" in plain
        for option in lesson.question.options:
            assert re.sub(r"[*]", "", read(option.text)) in plain
        assert re.sub(r"[*]", "", lesson.question.tempting) in plain
    drawn = [len(section.split("<figure")) - 1 for section in text.split("<section>")[2:]]  # after the opening
    figures = {name: len(lesson.question.picture(LIGHT).figures) for name, lesson in LESSONS.items()}
    figures["own-tables"] = 0  # intervals of many items are for a screen
    assert dict(zip(figures, drawn, strict=True)) == figures
    assert f"{text.count('<section>') - 1} questions that students answer" in plain  # one section is the opening


@pytest.mark.parametrize(("low", "high", "values"), [
    (0.0, 0.272, [0.0, 0.1, 0.2]), (0.0, 0.999, [0.0, 0.2, 0.4, 0.6, 0.8]), (0.0, 127.0, [0.0, 50.0, 100.0]),
    (0.0, 1.0, [0.0, 0.5, 1.0]), (0.0, 5.0, [0.0, 2.0, 4.0])])
def test_an_axis_on_paper_has_round_numbers(low, high, values):
    np.testing.assert_allclose(paper_drawing.round_values(low, high), values)


def test_a_map_on_paper_has_every_point_as_its_class_where_the_map_has_it():
    figure = LESSONS["tsne"].question.picture(LIGHT).figures[1]
    drawn = re.findall(r'<text x="([^"]+)" y="([^"]+)"[^>]*>([^<]+)<', paper_drawing.drawing(figure, "alt", "title"))
    x, y = (np.concatenate([np.asarray(t[axis], float) for t in figure.data]) for axis in "xy")
    assert [name for *_, name in drawn] == [t.name for t in figure.data for _ in t.x]
    places = np.array([place for *place, _ in drawn], float)
    np.testing.assert_allclose(np.corrcoef(places[:, 0], x)[0, 1], 1, atol=1e-4)
    np.testing.assert_allclose(np.corrcoef(places[:, 1], y)[0, 1], -1, atol=1e-4)  # down the paper is down the map
    np.testing.assert_allclose(np.ptp(places[:, 0]) / np.ptp(x), np.ptp(places[:, 1]) / np.ptp(y), rtol=1e-2)


@pytest.mark.parametrize(("whole", "count"), [(45, 4), (90, 8)])
def test_a_plan_fits_its_minutes(whole, count):
    plan = teachers_sheet.plan(LESSONS, whole)
    assert [start for start, *_ in plan] == [0, *(end for _, end, *_ in plan[:-1])]
    assert plan[-1][1] == whole
    chosen = [f"{lesson.number}. {lesson.title}" for lesson in list(LESSONS.values())[:count]]
    assert [title for *_, title, _ in plan if title[0].isdigit()] == chosen
    assert f"–{whole}<" in teachers_sheet.sheet(LESSONS, "http://class.example")


def test_the_sheet_opens_as_class_mode_does():
    first = next(iter(LESSONS.values())).steps[0]
    opening = teachers_sheet.opening(LESSONS, "http://class.example")
    app = open_page(PAGE, **{"class": "1"})
    app.button[0].click().run()
    assert opening["title"] == first.title
    assert read(first.text).strip() in [m.value for m in app.markdown]
    assert len(opening["drawings"]) == len(first.picture(LIGHT).figures) == len(drawings(app)) == 1
    assert teachers_sheet.plan(LESSONS, 45)[0][2] == f"Opening: {first.title}"


def test_the_sheets_codes_hold_the_addresses_that_stand_beside_them():
    text = teachers_sheet.sheet(LESSONS, "https://class.example")
    for name, lesson in LESSONS.items():
        query = {"lesson": name, "step": str(lesson.question_step)}
        assert str(addresses.inline_code(teachers_sheet.target("https://class.example", "learn", query))) in text
    assert text.count('class="code"') == len(LESSONS) + 1


def test_a_sheet_for_this_computer_alone_says_so():
    assert "only that computer reaches" in teachers_sheet.sheet(LESSONS, "http://localhost:8501")


# -- what the browser keeps, and the address of the class --------------------------------------------------------------


@pytest.mark.parametrize(("typed", "taken"), [
    ("http://10.0.0.7:8501", "http://10.0.0.7:8501"), (" 10.0.0.7:8501/ ", "http://10.0.0.7:8501"),
    ("https://school.example/bvae/learn", "https://school.example/bvae"), ("school.example", "http://school.example"),
    ("https://school.example/learn?lesson=poe#x", "https://school.example"),
    ("javascript://x/%0aalert(1)", None), ("javascript:alert(1)", None), ("", None), ("http://", None),
    ("http://a:b:c", None), ("http://<b>", None), ("http://a\"b", None), ("http://a b", None), ("http://[", None),
    ("x" * 400, None)])
def test_an_address_is_made_whole_or_refused(typed, taken):
    assert addresses.checked(typed) == taken


def test_the_address_is_asked_once_and_used_on_sheet_and_projector():
    app = open_page(PAGE, **{"class": "1"})
    app.text_input(key="learn_address").set_value("nothing at all").run()
    assert_clean(app)
    assert "This is no address" in app.warning[0].value
    app.text_input(key="learn_address").set_value("school.example:8501/").run()
    assert_clean(app)
    assert "whatever address" in app.warning[0].value  # it listens on localhost: no address changes that
    del app.query_params["class"]
    app.run()
    app.query_params["class"] = "1"
    app.run()
    assert app.text_input(key="learn_address").value == "school.example:8501/"
    app.button[0].click().run()
    assert_clean(app)
    assert any("http://school.example:8501/learn?room=" in h.proto.body for h in app.get("html"))


@pytest.fixture
def in_network(monkeypatch):
    """An app that all of the network reaches, on a computer with two addresses there."""
    asked = addresses.st.get_option
    monkeypatch.setattr(addresses.st, "get_option",
                        lambda name: "0.0.0.0" if name == "server.address" else asked(name))
    monkeypatch.setattr(addresses, "own_hosts", lambda: ["192.168.1.20", "10.0.0.7"])
    monkeypatch.setattr(addresses, "visitor", lambda: None)


def test_where_the_network_reaches_the_app_this_computers_address_stands_there(in_network):
    app = open_page(PAGE, **{"class": "1"})
    assert app.text_input(key="learn_address").value == "http://192.168.1.20:8501"
    assert not app.warning
    assert not app.code
    assert "http://192.168.1.20:8501" not in [b.label for b in app.button]  # it is the one that holds
    next(b for b in app.button if b.label == "http://10.0.0.7:8501").click().run()
    assert_clean(app)
    assert app.text_input(key="learn_address").value == "http://10.0.0.7:8501"
    app.text_input(key="learn_address").set_value("localhost:8501").run()
    assert_clean(app)
    assert "Phones do not reach this address" in app.warning[0].value


@pytest.mark.parametrize(("base", "visitor"), [("https://school.example", None), ("http://localhost:8501", "10.0.0.9")])
def test_this_computers_addresses_are_told_to_nobody_else(in_network, monkeypatch, base, visitor):
    monkeypatch.setattr(addresses, "base_url", lambda: base)
    monkeypatch.setattr(addresses, "visitor", lambda: visitor)
    app = open_page(PAGE, **{"class": "1"})
    assert app.text_input(key="learn_address").value == base
    assert not any("192.168" in b.label for b in app.button)


def test_a_web_server_in_front_of_the_app_is_no_reason_to_warn(monkeypatch):
    monkeypatch.setattr(addresses, "base_url", lambda: "https://school.example")
    assert not open_page(PAGE, **{"class": "1"}).warning  # although the app listens on localhost


def test_the_command_that_opens_the_app_starts_it_so(monkeypatch):
    """As the command line reads it: the port and the address arrive."""
    from bvae.app import start
    from bvae.cli import main

    started = []
    monkeypatch.setattr(start, "start", lambda port, options: started.append((port, options)) or 0)
    words = shlex.split(addresses.opening())
    main(words[words.index("app"):])
    assert started == [(8501, ["--server.address", addresses.ALL])]


def test_own_addresses_are_of_the_network():
    for host in addresses.own_hosts():
        assert not ipaddress.ip_address(host).is_loopback


@pytest.mark.parametrize("kept", [None, 3, "", "{", "[]", '{"room": "ABCD"}', '{"room": 1, "key": 2, "at": 3}',
                                  '{"room": "' + "x" * 5000 + '"}'])
def test_the_class_of_a_tab_is_not_trusted(kept, monkeypatch):
    monkeypatch.setattr(memory.st, "session_state", {})
    memory.read_led(kept)
    assert not memory.led()


def test_the_class_of_this_session_goes_before_that_of_the_tab(monkeypatch):
    monkeypatch.setattr(memory.st, "session_state", {})
    memory.read_led('{"room": "ABCD", "key": "k", "at": "http://a"}')
    assert memory.led() == {"room": "ABCD", "key": "k", "at": "http://a"}
    memory.lead("EFGH", "l", "http://b")
    memory.read_led('{"room": "ABCD", "key": "k", "at": "http://a"}')
    assert memory.led()["room"] == "EFGH"


@pytest.mark.parametrize("kept", [None, 3, "", "{", "[]", '"x"', '{"predicted": [1], "address": 4}', "x" * 5000,
                                  '{"predicted": {"poe": "z", "nope": "a", "moe": {"a": 1}, "tsne": ["b"]}}'])
def test_what_a_browser_hands_over_is_not_trusted(kept, monkeypatch):
    monkeypatch.setattr(memory.st, "session_state", {})
    memory.read(kept)
    assert not memory.predicted()
    assert not memory.address()
    assert memory.written() == ""


def test_what_is_kept_comes_back_and_what_was_said_since_goes_before(monkeypatch):
    monkeypatch.setattr(memory.st, "session_state", {})
    memory.predict("poe", "b")
    memory.predict("poe", "c")  # the first answer was the prediction
    memory.keep_address("school.example")
    text = memory.written()
    monkeypatch.setattr(memory.st, "session_state", {})
    memory.predict("moe", "a")
    memory.read(text)
    assert memory.predicted() == {"poe": "b", "moe": "a"}
    assert memory.address() == "school.example"
    memory.forget("poe")
    assert memory.predicted() == {"moe": "a"}
    memory.forget()
    memory.keep_address("")
    assert memory.written() == ""


def test_the_teachers_sheet_escapes():
    assert teachers_sheet.marked("<b>a & *b*</b> **c**") == "&lt;b&gt;a &amp; <i>b</i>&lt;/b&gt; <b>c</b>"
