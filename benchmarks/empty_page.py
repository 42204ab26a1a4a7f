"""What the app is measured beside: Streamlit's own widgets and one line of text that depends on them."""

import base64

import streamlit as st


def first() -> None:
    """One widget of every kind that the app's pages are driven with."""
    st.title("Empty")
    values = [
        st.pills("Several of many", ["a", "b", "c", "d", "e"], default=["a", "b", "c", "d", "e"],
                 selection_mode="multi", key="toggle", bind="query-params"),
        st.segmented_control("One of few", ["a", "b", "c"], default="a", required=True, key="segment",
                             bind="query-params"),
        st.selectbox("One of many", [f"option {k}" for k in range(12)], key="choose", bind="query-params"),
        st.number_input("Number", 0, 999, 342, key="step", bind="query-params"),
        st.slider("Share", 0.0, 4.0, 1.0, 0.25, key="slide", bind="query-params"),
    ]
    st.markdown(f"Answer: {values}")
    picture(str(values))


def second() -> None:
    """Another page, to come from."""
    st.title("Another")
    st.markdown("Nothing.")
    picture("nothing")


def picture(name: str) -> None:
    """A small one, another one for every name."""
    icon = base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg" id="{name}"/>'.encode()).decode()
    st.html(f'<img alt="answer" width="28" height="28" src="data:image/svg+xml;base64,{icon}">')


st.set_page_config(layout="wide")
st.navigation([st.Page(first, title="Empty", default=True), st.Page(second, title="Another")], position="top").run()
