"""Sounds as spectrograms and back to something one can hear; tags as a vocabulary and back to words."""

from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from bvae.data import Column, DataError
from bvae.data.own import Folder
from bvae.data.own.initialise import initialise
from bvae.data.own.readers.sounds import read_sounds, write_sound
from bvae.data.own.sounds import (
    BANDS,
    DECIBELS,
    LOWEST,
    RATE,
    filter_bank,
    frames_of,
    heard,
    mel,
    samples_of,
    spectrogram,
)
from bvae.data.own.tags import MOST_TAGS, tag_table, written


def tone(hertz, seconds=0.5, rate=RATE, loud=0.5):
    return loud * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)


def band_of(hertz):
    """Which band is nearest to a frequency: by the scale, not by the filters."""
    low, high = (float(mel(torch.tensor(f))) for f in (LOWEST, RATE / 2))
    return round((float(mel(torch.tensor(float(hertz)))) - low) / (high - low) * (BANDS + 1)) - 1


@pytest.mark.parametrize("hertz", [200, 440, 1000, 3000, 6000])
def test_a_tone_is_a_line_at_its_height(hertz):
    picture = spectrogram(torch.from_numpy(tone(hertz)).float(), frames_of(RATE // 2))[0]
    middle = picture[:, picture.shape[1] // 2]
    assert abs(int(middle.argmax()) - band_of(hertz)) <= 1
    assert float(middle.max()) == pytest.approx(1 + 20 * math.log10(0.5) / DECIBELS, abs=0.04)  # half of full scale
    assert float((middle > 0.5).float().mean()) < 0.35


def test_silence_is_0_and_full_scale_is_1():
    assert float(spectrogram(torch.zeros(4000), 10).max()) == 0
    assert float(spectrogram(torch.from_numpy(tone(1000, loud=1.0)).float(), 30).max()) == pytest.approx(1, abs=0.02)


def test_the_filters_cover_every_bin_between_the_ends():
    bank = filter_bank()
    assert bank.shape == (BANDS, 513)
    frequencies = torch.linspace(0, RATE / 2, 513)
    inside = (frequencies > 100) & (frequencies < 7700)
    assert bool((bank.sum(0)[inside] > 0.5).all())
    assert bool((bank.amax(1) > 0.3).all())


@given(st.integers(1, 400))
def test_lengths_fit_each_other(frames):
    assert frames_of(samples_of(frames)) == frames


def test_the_way_back_is_heard_as_the_same():
    """A rising tone and a click: the spectrogram of what comes back is that which went in, up to small differences."""
    t = np.arange(RATE) / RATE
    sound = 0.4 * np.sin(2 * np.pi * (300 * t + 600 * t**2))
    sound[8000:8100] += 0.3 * np.random.default_rng(0).normal(size=100)
    before = spectrogram(torch.from_numpy(sound).float(), frames_of(RATE))
    back = heard(before, torch.Generator().manual_seed(0))
    assert back.shape == (RATE // 256 * 256 + (RATE % 256 > 0) * 256,)
    assert float(back.abs().max()) <= 1
    after = spectrogram(back, before.shape[-1])
    noise = spectrogram(0.1 * torch.randn(len(back), generator=torch.Generator().manual_seed(1)), before.shape[-1])
    loud = before > 0.6
    assert float((after - before)[loud].abs().mean()) < 0.06
    assert float((after - before)[loud].abs().mean()) < 0.2 * float((noise - before)[loud].abs().mean())


@pytest.fixture
def sounds(tmp_path):
    place = tmp_path / "voice"
    place.mkdir()
    soundfile.write(place / "a.wav", tone(440, rate=44_100), 44_100)
    soundfile.write(place / "b.flac", np.stack([tone(440), tone(440)], 1), RATE)
    soundfile.write(place / "c.ogg", tone(440, rate=8_000), 8_000)
    return place


def test_kinds_of_files_rates_and_channels_give_the_same(sounds):
    views = read_sounds(sounds)
    values = views.arrays[""]
    assert views.ids[""] == ["a", "b", "c"]
    assert values.shape == (3, 1, BANDS, frames_of(RATE // 2))
    middle = values[:, 0, :, values.shape[-1] // 2]
    assert set(middle.argmax(1)) <= {band_of(440), band_of(440) - 1, band_of(440) + 1}
    np.testing.assert_allclose(middle.max(1), middle.max(), atol=0.02)


def test_longer_and_shorter_ones_are_said(sounds):
    soundfile.write(sounds / "d.wav", tone(440, 2.0), RATE)
    assert "1 of 4 sounds are longer than 0.5" in read_sounds(sounds).notes[0]
    notes = read_sounds(sounds, seconds=1.0).notes
    assert "3 of 4 sounds are shorter than 1.0" in notes[1]
    assert read_sounds(sounds, frames=20).arrays[""].shape[-1] == 20
    with pytest.raises(DataError, match="seconds: expected more than 0"):
        read_sounds(sounds, seconds=1e9)


def test_sounds_that_cannot_be_are_named(sounds):
    soundfile.write(sounds / "e.wav", np.full(800, np.nan), RATE, subtype="FLOAT")
    with pytest.raises(DataError, match=r"voice/e\.wav: expected a sound"):
        read_sounds(sounds)
    (sounds / "e.wav").write_bytes(b"RIFF")
    with pytest.raises(DataError, match=r"voice/e\.wav: expected a sound"):
        read_sounds(sounds)
    (sounds / "e.wav").unlink()
    soundfile.write(sounds / "a.flac", tone(440), RATE)
    with pytest.raises(DataError, match="several files named 'a'"):
        read_sounds(sounds)


def test_what_is_written_can_be_read(tmp_path):
    (tmp_path / "out").mkdir()
    write_sound(tmp_path / "out" / "x.wav", torch.from_numpy(tone(440)).float())
    values, rate = soundfile.read(tmp_path / "out" / "x.wav")
    assert rate == RATE
    np.testing.assert_allclose(values, tone(440), atol=1e-4)


def test_a_folder_with_pictures_and_sounds(sounds, tmp_path):
    (tmp_path / "face").mkdir()
    for name in "abz":
        Image.fromarray(np.full((8, 8), 99, np.uint8)).save(tmp_path / "face" / f"{name}.png")
    initialise(tmp_path)
    assert 'kind = "sound"' in (tmp_path / "bvae.toml").read_text()
    data = Folder(tmp_path).data()
    assert {name: m.shape for name, m in data.modalities.items()} == {
        "face": (1, 8, 8), "voice": (1, BANDS, frames_of(RATE // 2))}
    assert sorted(data.ids) == ["a", "b", "c", "z"]
    assert not data.has("voice", data.ids.index("z"))


def test_tags_there_and_back():
    cells = ["jazz; piano", "piano;  solo piano", None, "; ", "jazz"]
    table, notes = tag_table("t.csv", cells)
    assert list(table.columns) == ["jazz", "piano", "solo piano"]
    values = np.stack(list(table.columns.values()), 1)
    np.testing.assert_array_equal(values, [[1, 1, 0], [0, 1, 1], [np.nan] * 3, [0, 0, 0], [1, 0, 0]])
    assert notes == []
    columns = [Column(t, "binary") for t in table.columns]
    again = tag_table("t.csv", list(written(np.nan_to_num(values[[0, 1, 3, 4]]), columns)), columns)[0]
    np.testing.assert_array_equal(np.stack(list(again.columns.values()), 1), values[[0, 1, 3, 4]])


def test_tags_that_a_model_does_not_know_are_said():
    table, notes = tag_table("t.csv", ["a|b", "c"], [Column("b", "binary"), Column("z", "binary")])
    np.testing.assert_array_equal(table.columns["b"], [1, 0])
    np.testing.assert_array_equal(table.columns["z"], [0, 0])
    assert "2 tags are not known and are left out: a, c" in notes[0]


def test_tags_that_cannot_be():
    with pytest.raises(DataError, match="expected cells with tags"):
        tag_table("t.csv", [None, ";"])
    with pytest.raises(DataError, match=r"t\.csv, row 2 of the cells: expected tags of at most 200"):
        tag_table("t.csv", ["a", "x" * 300])
    many, notes = tag_table("t.csv", [f"tag{k};every" for k in range(MOST_TAGS + 50)])
    assert len(many.columns) == MOST_TAGS
    assert "every" in many.columns
    assert "2,051 different tags, of which the 2,000 commonest are kept" in notes[0]


def test_a_column_of_tags_in_a_table_is_found(tmp_path):
    g = np.random.default_rng(0)
    rows = "".join(f"p{k},{g.normal():.2f},{'; '.join(g.choice(['rock', 'jazz', 'folk'], g.integers(1, 4), False))}\n"
                   for k in range(40))
    (tmp_path / "songs.csv").write_text("id,tempo,genres\n" + rows)
    (tmp_path / "other.csv").write_text("id,x\n" + "".join(f"p{k},{g.normal():.2f}\n" for k in range(40)))
    initialise(tmp_path)
    data = Folder(tmp_path).data()
    assert {name: m.kind for name, m in data.modalities.items()} == {
        "genres": "tags", "songs": "vector", "other": "vector"}
    assert [c.name for c in data.modalities["genres"].columns] == ["folk", "jazz", "rock"]
    assert data.x["genres"].sum(1).min() >= 1
