"""The wheel: what is in it, and the app that it starts in any folder, with nothing of the checkout in reach."""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest
from playwright.sync_api import expect

from bvae.runs.shipped import SEEDED
from tests.support import ROOT
from tests.support.serving import PATIENCE, free_port, wait_for
from tests.support.waiting import settled

MOST = 30e6  # bytes of the wheel
MODULES = sorted((ROOT / "bvae" / "app" / "components" / "playground" / "browser").glob("*.mjs"))
TEMPLATES = [file for file in (ROOT / "bvae" / "app" / "templates").iterdir() if file.is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of this checkout."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
                   check=True, capture_output=True, timeout=PATIENCE)
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of the commands of an environment that has the wheel, and of this one only what bvae depends on."""
    root = tmp_path_factory.mktemp("installed")
    venv.create(root, with_pip=False)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(root), "platbase": str(root)}))
    subprocess.run([sys.executable, "-m", "pip", "--python", str(root / "bin" / "python"), "install", "--quiet",
                    "--no-deps", "--no-index", str(wheel)], check=True, capture_output=True, timeout=PATIENCE)
    # A path in such a file is searched, but no editable installation that it has is followed.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return root / "bin"


def run(installed, where, program, *arguments, **options):
    """Run a program of that environment in a folder, with nothing of ours in its surroundings."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("BVAE_", "PYTHON", "STREAMLIT_"))}
    return subprocess.Popen([str(installed / program), *arguments], cwd=where, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, env={**kept, "OMP_NUM_THREADS": "1", "HOME": str(where)},
                            **options)


def test_a_wheel_is_small_and_has_what_the_app_needs(wheel):
    assert wheel.stat().st_size < MOST
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        metadata = archive.read(next(n for n in names if n.endswith("METADATA"))).decode()
    assert {"bvae/py.typed", *(f"bvae/app/templates/{file.name}" for file in TEMPLATES),
            "bvae/app/main.py", "bvae/app/config.toml", "bvae/app/components/playground/scene.schema.json",
            *(f"bvae/app/components/playground/browser/{file.name}" for file in MODULES),
            "bvae/app/explore/page.py", "bvae/app/extend/aggregator.py",
            "bvae/checkpoints/polymnist/mwb-vae/model.safetensors",
            "bvae/checkpoints/polymnist/classifiers/model.safetensors"} <= names
    assert {n.split("/")[3] for n in names if n.startswith("bvae/checkpoints/polymnist/")} == {*SEEDED, "classifiers"}
    assert not [n for n in names if n.startswith(("tests/", "pages/", "benchmarks/"))]
    always = [line.split(";")[0] for line in metadata.splitlines()
              if line.startswith("Requires-Dist") and "extra ==" not in line]
    unwanted = ("pytest", "streamlit", "playwright", "ruff", "==", "plotly", "jinja2")
    assert not [line for line in always if any(name in line for name in unwanted)]


def test_the_library_is_there_without_the_app(installed, tmp_path):
    script = ("import sys, bvae, torch; m = bvae.load('polymnist', 'mwb-vae'); "
              "print(m.encode({'m0': torch.rand(2, 3, 28, 28)}).mean.shape, bvae.__file__); "
              "heavy = {'streamlit', 'pandas', 'plotly', 'PIL', 'skimage', 'mlxtend', 'matplotlib', 'ot'}; "
              "print('loaded:', sorted(heavy & set(sys.modules)))")
    process = run(installed, tmp_path, "python", "-c", script)
    said, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, said
    assert "torch.Size([2, 32])" in said
    assert str(ROOT) + os.sep + "bvae" not in said
    assert "loaded: []" in said


@pytest.mark.skipif(os.name != "posix", reason="stops the app by a signal")
def test_the_app_starts_from_the_wheel_in_any_folder(installed, tmp_path, chromium):
    port = free_port()
    process = run(installed, tmp_path, "bvae", "app", "--port", str(port), "--", "--server.headless=true",
                  start_new_session=True)
    try:
        wait_for(f"http://localhost:{port}/_stcore/health", process)
        context = chromium.new_context(viewport={"width": 1440, "height": 1000})
        tab = context.new_page()
        tab.goto(f"http://localhost:{port}/explore")
        settled(tab)
        expect(tab.get_by_role("heading", name="Explore")).to_be_visible()
        expect(tab.locator("img[src^='data:image/svg']").first).to_be_visible()  # the posteriors
        colour = tab.evaluate("() => getComputedStyle(document.querySelector('[data-testid=\"stApp\"]')).color")
        assert colour == "rgb(14, 21, 29)"  # our theme's
        context.close()
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        said, _ = process.communicate(timeout=PATIENCE)
    assert "those that come with the package" in said
    assert f"{len(SEEDED)} of polymnist" in said
