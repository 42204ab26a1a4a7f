"""Keys of a presenter's remote and of the keyboard, in class mode."""

from __future__ import annotations

import functools
from typing import Any

import streamlit as st

ONWARD, BACK = "class_onward", "class_back"
"""Keys of the containers with the button that goes on, and the one that goes back."""


@functools.cache
def component() -> Any:
    """A component without anything to see. It presses the button in the container `data.onward` or `data.back` for
    arrows, page keys and the space bar, unless somebody writes, has a list open or is on a control that takes the key.
    """
    return st.components.v2.component("bvae_class_keys", js="""
        const WRITES = 'input, textarea, select, [contenteditable="true"], [role="combobox"], [role="slider"]';
        const PRESSED = 'button, a[href], summary, [role="button"]';
        const OPEN = '[data-testid="stPopoverBody"], [role="dialog"], [role="menu"], [role="listbox"]';
        const ways = { ArrowRight: "onward", PageDown: "onward", " ": "onward", ArrowLeft: "back", PageUp: "back" };
        let places = {};
        const heard = (event) => {
          const way = ways[event.key];
          const at = document.activeElement;
          if (!way || event.defaultPrevented) return;
          if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
          if (at?.closest(WRITES) || document.querySelector(OPEN)) return;
          if (event.key === " " && at?.closest(PRESSED)) return;
          event.preventDefault();
          if (!event.repeat) document.querySelector(`.st-key-${places[way]} button:not(:disabled)`)?.click();
        };
        export default function ({ data }) {
          places = data;
          document.addEventListener("keydown", heard);  // the same one: once
          return () => document.removeEventListener("keydown", heard);
        }""")


def listen() -> None:
    """See :func:`component`."""
    component()(key="class_keys", data={"onward": ONWARD, "back": BACK}, width="content")
