"""Votes of a class, in this process's memory and nowhere else: no names, no files, gone after some hours.

A teacher opens a room, shows its code, and students vote on the question that is on the screen. Whoever has the room's
key may turn to another question, show the votes and reveal the answer; whoever has its code may vote.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CODE_LETTERS = "ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without I, L and O, which look like digits."""
CODE = 4
HOURS = 6
MOST_ROOMS, MOST_VOTERS = 100, 500


class Full(RuntimeError):
    """There are as many rooms, or voters in one, as this server takes; the text is for a person."""


@dataclass
class Room:
    """One class.

    Attributes
    ----------
    code : str
        What students type.
    key : str
        What only the teacher's address holds.
    question : str
        Name of the lesson whose question is asked.
    asking : bool
        Whether it is; before, what one has to know for it is on the screen.
    counted, revealed : bool
        Whether everybody sees the votes, and the answer.
    joined : set
        Who has opened the room, as far as `MOST_VOTERS` of them.
    votes : dict
        question -> voter -> position of the option. A voter is a random text that their own address holds.
    used : float
        When the teacher last asked for the room, or somebody voted, in seconds of `time.monotonic`.
    """

    code: str
    key: str
    question: str
    asking: bool = True
    counted: bool = False
    revealed: bool = False
    joined: set[str] = field(default_factory=set)
    votes: dict[str, dict[str, int]] = field(default_factory=dict)
    used: float = 0.0

    def counts(self, num_options: int) -> list[int]:
        """Votes on the question, by option."""
        given = list(self.votes.get(self.question, {}).values())
        return [given.count(k) for k in range(num_options)]

    def vote_of(self, voter: str) -> int | None:
        """What a voter has said to the question, if anything."""
        return self.votes.get(self.question, {}).get(voter)


class Rooms:
    """All rooms of a server. Safe to use from several threads, as sessions are.

    Parameters
    ----------
    clock : callable
        Seconds, never going back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._rooms: dict[str, Room] = {}
        self._lock = threading.Lock()
        self._clock = clock

    def open(self, question: str, asking: bool = True) -> Room:
        """A new room. Raises Full."""
        with self._lock:
            self._forget_old()
            if len(self._rooms) >= MOST_ROOMS:  # those that nobody has joined make room, the oldest first
                silent = [room for room in self._rooms.values() if not room.joined]
                if not silent:
                    raise Full(f"There are {MOST_ROOMS} classes on this server already; one ends {HOURS} hours after "
                               "its last use.")
                del self._rooms[min(silent, key=lambda room: room.used).code]
            code = self._new_code()
            room = Room(code, secrets.token_urlsafe(9), question, asking, used=self._clock())
            self._rooms[code] = room
            return room

    def find(self, code: str) -> Room | None:
        """The room of a code, however it was typed."""
        with self._lock:
            self._forget_old()
            return self._rooms.get(code.strip().upper()) if len(code) < 20 else None

    def led_by(self, code: str, key: str) -> Room | None:
        """The room of a code, for who has its key too."""
        room = self.find(code)
        if room is None or not secrets.compare_digest(room.key.encode(), key.encode()):
            return None
        with self._lock:
            room.used = self._clock()
        return room

    def join(self, room: Room, voter: str) -> None:
        """Count who has opened a room; whoever comes when it is full is not counted."""
        with self._lock:
            if len(room.joined) < MOST_VOTERS:
                room.joined.add(voter)

    def vote(self, room: Room, question: str, voter: str, option: int) -> bool:
        """Count a vote, instead of an earlier one of the same voter; False once it is too late. Raises Full.

        It is too late when the answer is on the screen, or another question.
        """
        with self._lock:
            if room.revealed or room.question != question:
                return False
            given = room.votes.setdefault(question, {})
            if voter not in given and len(given) >= MOST_VOTERS:
                raise Full(f"{MOST_VOTERS} people have voted in this class; more are not counted.")
            given[voter] = option
            room.joined.add(voter)
            room.used = self._clock()
            return True

    def ask(self, room: Room, question: str, asking: bool = True) -> None:
        """Turn to a question, or to what one has to know for it; its votes and its answer are hidden."""
        with self._lock:
            room.question, room.asking, room.counted, room.revealed = question, asking, False, False

    def again(self, room: Room) -> None:
        """Let everybody vote on the question anew, as after a talk with a neighbour."""
        with self._lock:
            room.votes.pop(room.question, None)
            room.counted, room.revealed = False, False

    def show(self, room: Room, revealed: bool) -> None:
        """Show the votes, and the answer too."""
        with self._lock:
            room.counted, room.revealed = True, revealed or room.revealed

    def _forget_old(self) -> None:
        oldest = self._clock() - HOURS * 3600
        self._rooms = {code: room for code, room in self._rooms.items() if room.used >= oldest}

    def _new_code(self) -> str:
        while True:
            code = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE))
            if code not in self._rooms:
                return code
