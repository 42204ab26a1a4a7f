"""Your data: tables, pictures, texts or sounds, as they were understood; or beliefs of any model, from one file."""

import streamlit as st

from bvae.app.state import begin_page
from bvae.app.your_data import beliefs_page, bring
from bvae.app.your_data.state import BELIEFS

begin_page()
st.title("Your data")
form = bring.choose()
if form.answer("brings") == BELIEFS:
    beliefs_page.show()
else:
    bring.show(form)
