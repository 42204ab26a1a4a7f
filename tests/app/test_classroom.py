"""Class mode: votes that are counted once, in time, for who may; its screens; what a stranger can type."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import streamlit

from bvae.app.learn import class_screen, classroom
from bvae.app.learn import lessons as course
from bvae.app.learn.classroom import Full, Rooms
from tests.support.pages import assert_clean, open_page

LESSONS = course.lessons()
PAGE = "pages/learn.py"


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def rooms():
    """Those of the app, empty before and after."""
    streamlit.cache_resource.clear()
    yield class_screen.rooms()
    streamlit.cache_resource.clear()


def test_a_vote_counts_once_can_be_changed_and_only_in_time():
    rooms = Rooms()
    room = rooms.open("poe")
    assert rooms.vote(room, "poe", "anna", 0)
    assert rooms.vote(room, "poe", "anna", 2)
    assert rooms.vote(room, "poe", "ben", 2)
    assert room.counts(4) == [0, 0, 2, 0]
    assert not rooms.vote(room, "moe", "anna", 1)  # it is not asked now
    rooms.show(room, revealed=False)
    assert (room.counted, room.revealed) == (True, False)
    assert rooms.vote(room, "poe", "cleo", 1)  # the votes are shown, the answer is not
    rooms.show(room, revealed=True)
    assert not rooms.vote(room, "poe", "anna", 1)
    assert room.counts(4) == [0, 1, 2, 0]
    rooms.again(room)
    assert room.counts(4) == [0] * 4
    assert not room.revealed


def test_every_question_has_its_own_votes():
    rooms = Rooms()
    room = rooms.open("poe")
    rooms.vote(room, "poe", "anna", 3)
    rooms.show(room, revealed=True)
    rooms.ask(room, "moe")
    assert room.counts(4) == [0] * 4
    assert not room.counted
    assert not room.revealed
    rooms.ask(room, "poe")
    assert room.counts(4) == [0, 0, 0, 1]


def test_only_the_key_leads_and_a_code_is_found_however_it_is_typed():
    rooms = Rooms()
    room, other = rooms.open("poe"), rooms.open("poe")
    assert rooms.find(f" {room.code.lower()} ") is room
    assert rooms.led_by(room.code, room.key) is room
    for key in (other.key, "", "é", room.key + "x"):
        assert rooms.led_by(room.code, key) is None
    for code in ("", "nobody", "x" * 10_000, "../..", "\0"):
        assert rooms.find(code) is None


def test_rooms_end_and_are_limited(monkeypatch):
    monkeypatch.setattr(classroom, "MOST_ROOMS", 2)
    monkeypatch.setattr(classroom, "MOST_VOTERS", 3)
    clock = Clock()
    rooms = Rooms(clock)
    empty, first = rooms.open("poe"), rooms.open("poe")
    rooms.vote(first, "poe", "a", 0)
    second = rooms.open("poe")  # a room in which nobody has voted makes room
    assert rooms.find(empty.code) is None
    rooms.vote(first, "poe", "a", 0)
    rooms.vote(second, "poe", "a", 0)
    with pytest.raises(Full, match="2 classes"):
        rooms.open("poe")
    clock.now = classroom.HOURS * 3600 - 1
    assert rooms.find(first.code) is first  # a stranger's look does not keep it
    assert rooms.led_by(first.code, "guessed") is None
    assert rooms.led_by(second.code, second.key) is second  # in use
    clock.now += 2
    assert rooms.find(first.code) is None
    rooms.open("poe")
    for voter in "abc":
        rooms.vote(second, "poe", voter, 0)
    with pytest.raises(Full, match="3 people"):
        rooms.vote(second, "poe", "d", 0)
    assert rooms.vote(second, "poe", "a", 1)  # who is in may still change


def test_no_vote_is_lost_between_threads():
    rooms = Rooms()
    room = rooms.open("poe")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda k: rooms.vote(room, "poe", f"voter {k}", k % 4), range(400)))
    assert room.counts(4) == [100] * 4


def test_a_class_from_its_start_to_the_answer(rooms):
    app = open_page(PAGE, **{"class": "1"})
    assert "No phone reaches the app" in app.warning[0].value  # it listens on localhost
    assert app.code[0].value.endswith("app --port 8501 -- --server.address 0.0.0.0")
    app.button[0].click().run()
    assert_clean(app)
    code, key = app.query_params["room"], app.query_params["key"]
    first, second = list(LESSONS)[:2]
    assert any(code in h.proto.body for h in app.get("html"))

    def press(label):
        next(b for b in app.button if b.label == label).click().run()
        assert_clean(app)

    def told(app):
        return next(h.proto.body for h in app.get("html") if 'class="bvae-class-invitation"' in h.proto.body)

    assert "vote by raising hands" in told(app)
    phone = open_page(PAGE, room=code.lower())
    open_page(PAGE, room=code, me=phone.query_params["me"])  # a reload is no other phone
    app.run()
    assert "1 phone joined" in told(app)
    assert not phone.button  # what one has to know is on the screen; the question comes
    assert "Look at the screen" in phone.caption[0].value
    press("Ask the question")
    phone.run()
    options = LESSONS[first].question.options
    assert [b.label[:5] for b in phone.button] == [f"**{letter}**" for letter in "ABCD"[: len(options)]]
    phone.button[LESSONS[first].question.right].click().run()
    assert_clean(phone)
    phone.button[LESSONS[first].question.right].click().run()  # twice is once
    assert rooms.find(code).counts(len(options))[LESSONS[first].question.right] == 1

    def shown(page):
        return next(h.proto.body for h in page.get("html") if "bvae-class-option" in h.proto.body
                    and "<style>" not in h.proto.body)

    assert "votes" not in shown(app)
    press("Show the votes")
    assert "1 vote<" in shown(app)
    assert "✓" not in shown(app)
    press("Reveal")
    assert shown(app).count("✓") == 1
    phone.run()
    assert "✓" in shown(phone)
    assert phone.success[0].value.startswith("You said")
    late = open_page(PAGE, room=code)
    rooms.again(rooms.find(code))
    late.run()
    rooms.ask(rooms.find(code), second)  # the teacher goes on while this phone still shows the first question
    late.button[0].click().run()
    assert "too late" in late.error[0].value
    assert not any(rooms.find(code).counts(4))
    rooms.ask(rooms.find(code), first)
    press("Next lesson")
    assert (rooms.find(code).question, rooms.find(code).asking) == (second, False)
    press("Ask the question")
    phone.run()
    assert len(phone.button) == len(LESSONS[second].question.options)
    again = open_page(PAGE, **{"class": "1"}, room=code, key=key)  # the teacher's reload
    assert any(b.label == "Reveal" for b in again.button)
    stranger = open_page(PAGE, **{"class": "1"}, room=code, key="guessed")
    assert not any(b.label == "Reveal" for b in stranger.button)


@pytest.mark.parametrize("code", ["NONE", "", "<b>`x", "x" * 300, "$\\frac$", "![a](b)"])
def test_a_code_of_no_class_is_said_and_another_can_be_typed(rooms, code):
    app = open_page(PAGE, room=code)
    assert "There is no class" in app.warning[0].value
    room = rooms.open(next(iter(LESSONS)))
    app.text_input(key="class_code").set_value(f" {room.code.lower()} ").run()
    assert_clean(app)
    assert app.button


@pytest.mark.parametrize("at", ["javascript:alert(1)", "<img>", "https://example.org", ""])
def test_the_invitation_holds_an_address_and_no_markup(rooms, at):
    room = rooms.open(next(iter(LESSONS)))
    app = open_page(PAGE, **{"class": "1"}, room=room.code, key=room.key, at=at)
    body = next(h.proto.body for h in app.get("html") if 'class="bvae-class-invitation"' in h.proto.body)
    address = re.search(r'class="bvae-class-address">([^<]*)<', body).group(1)
    assert address.startswith("http")
    assert address.startswith("https://example.org/learn?room=") == (at == "https://example.org")


def labels(app):
    return [b.label for b in app.button]


def press(app, label):
    next(b for b in app.button if b.label == label).click().run()
    assert_clean(app)


def opened():
    app = open_page(PAGE, **{"class": "1"})
    press(app, "Open the class")
    return app


def test_a_class_begins_with_any_lesson(rooms):
    app = opened()
    room = rooms.find(app.query_params["room"])
    name, lesson = list(LESSONS.items())[4]
    assert f"{lesson.number} · {lesson.title}" not in labels(app)  # nine buttons only for who opens the list
    app.session_state["class_lessons"] = True
    app.run()
    press(app, f"{lesson.number} · {lesson.title}")
    assert (room.question, room.asking) == (name, False)
    assert app.title[0].value == f"{lesson.number} · {lesson.title}"
    assert not app.session_state["class_lessons"]  # the list is closed again


def onward(app):
    """The button that keys and remotes press."""
    return [b.label for b in app.button if b.proto.type == "primary"]


def test_one_blue_button_goes_on_from_the_first_screen_to_the_last_answer(rooms):
    app = opened()
    room = rooms.find(app.query_params["room"])
    for name in LESSONS:
        assert (room.question, room.asking) == (name, False)
        for label in ("Ask the question", "Show the votes", "Reveal"):
            assert onward(app) == [label]
            press(app, label)
        assert room.revealed
        if name != list(LESSONS)[-1]:
            press(app, *onward(app))
    assert not onward(app)


def test_a_class_that_was_left_can_be_gone_on_with(rooms):
    app = opened()
    code, key = app.query_params["room"], app.query_params["key"]
    press(app, "Ask the question")
    asks = next(p for p in app.get("popover") if p.proto.popover.label == "Leave")
    assert [p.proto.label for p in app.get("page_link")] == [p.proto.label for p in asks.get("page_link")] == [
        "Leave class mode"]  # nothing else leaves the class
    for name in ("class", "room", "key", "at"):
        del app.query_params[name]
    app.run()
    assert f"Go on with the class {code}" in [p.proto.label for p in app.get("page_link")]
    app.query_params["class"] = "1"
    app.run()
    assert "Open a new class" in labels(app)
    press(app, f"Go on with the class {code}")
    assert (app.query_params["room"], app.query_params["key"]) == (code, key)
    assert "Reveal" in labels(app)
    assert not any(b.startswith("Go on with") for b in labels(open_page(PAGE, **{"class": "1"})))  # somebody else


def test_a_class_that_has_ended_is_not_offered(rooms):
    app = opened()
    code = app.query_params["room"]
    streamlit.cache_resource.clear()
    for name in ("room", "key", "at"):
        del app.query_params[name]
    app.run()
    assert labels(app)[0] == "Open the class"
    assert code not in " ".join(labels(app))


def test_the_four_letters_are_typed_on_learn(rooms):
    room = rooms.open(next(iter(LESSONS)))
    app = open_page(PAGE)
    app.text_input(key="class_code").set_value(f" {room.code.lower()} ").run()
    assert_clean(app)
    assert len(app.button) == len(LESSONS[room.question].question.options)
    assert len(room.joined) == 1


def test_who_has_joined_is_counted_once_and_up_to_a_limit(monkeypatch):
    monkeypatch.setattr(classroom, "MOST_VOTERS", 2)
    rooms = Rooms()
    room = rooms.open("poe")
    for voter in ("anna", "ben", "anna", "cleo"):
        rooms.join(room, voter)
    assert room.joined == {"anna", "ben"}
    rooms.vote(room, "poe", "dora", 1)
    assert room.joined == {"anna", "ben", "dora"}  # whoever votes is there
