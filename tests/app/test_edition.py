"""The static edition: plain files, relative addresses, no other host; the same texts and scenes as the app."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

from bvae.app.components.playground import scenes
from bvae.app.edition import parts, publishing, shell, texts
from bvae.app.edition.files import MANIFEST, Files
from bvae.app.learn.lessons import lessons
from bvae.app.pages import PAGES
from bvae.app.templates import HERE
from bvae.cli import main
from tests.support import ROOT

pytestmark = pytest.mark.slow  # an edition is written for most of them
SVG = "http://www.w3.org/2000/svg"
MATH = "http://www.w3.org/1998/Math/MathML"
ADDRESS = re.compile(r"(?:https?:)?//[a-z0-9.-]+[^\s\"'<>)]*", re.IGNORECASE)


class Links(HTMLParser):
    """Addresses of a page: what it loads, and where it leads; ids; how many headings of the first rank there are."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.leads, self.ids, self.first, self.scripts = [], [], [], 0, 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.first += tag == "h1"
        self.scripts += tag == "script" and "src" not in given and given.get("type") != "application/json"
        assert not [name for name in given if name.startswith("on")]
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.leads.append((given["href"], given.get("rel", "")))
        elif address := given.get("src") or given.get("href"):
            self.loads.append(address)


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """An edition without models, on disk."""
    folder = tmp_path_factory.mktemp("edition") / "it"
    written = publishing.publish(folder, [])
    return folder, written.manifest


def pages_of(folder):
    return {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.html")}


def test_it_has_the_pages_that_need_no_model(bare):
    folder, manifest = bare
    assert parts.possible([]) == ["home", "learn", "playground"]
    assert manifest["pages"] == ["index.html", "learn.html", "playground.html"]
    assert {f"lesson-{name}.html" for name in lessons()} < set(pages_of(folder))


def test_the_manifest_says_what_is_there(bare):
    folder, manifest = bare
    assert json.loads((folder / MANIFEST).read_text(encoding="utf-8")) == manifest
    there = {p.relative_to(folder).as_posix(): p.stat().st_size for p in folder.rglob("*") if p.is_file()}
    del there[MANIFEST]
    assert there == {name: size["bytes"] for name, size in manifest["files"].items()}
    assert manifest["bytes"] == sum(there.values())
    assert 0 < manifest["wire"] < manifest["bytes"]
    assert not [name for name in there if name.startswith("/") or ".." in name]


def test_every_address_is_relative_and_leads_somewhere(bare):
    folder, _ = bare
    for name, text in pages_of(folder).items():
        found = Links(text)
        assert found.first == 1, name
        assert len(set(found.ids)) == len(found.ids), name
        assert found.scripts == 0, name
        for address in found.loads:
            assert address.startswith("data:") or (folder / address).is_file(), (name, address)
        for address, rel in found.leads:
            if "external" in rel:
                assert address.startswith("http"), (name, address)
                continue
            assert ":" not in address, (name, address)
            assert not address.startswith("/"), (name, address)
            file, _, place = address.partition("#")
            file = file.partition("?")[0]
            assert not file or (folder / file).is_file(), (name, address)
            if place and not file:
                assert place == "main" or f'data-step="{place}"' in text, (name, address)


def test_nothing_names_another_host(bare):
    folder, _ = bare
    for path in folder.rglob("*"):
        if path.suffix not in (".js", ".css", ".html"):
            continue
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html":
            text = re.sub(r'<a rel="external noreferrer" href="[^"]*">[^<]*</a>|data:[^"&)]*', "", text)
            assert text.index("Content-Security-Policy") < text.index("<link")
        for address in ADDRESS.findall(re.sub(r"//.*" if path.suffix == ".js" else "$^", "", text)):
            assert address.startswith((SVG, MATH, "http://localhost")), (path.name, address)
    assert not ADDRESS.search(shell.POLICY)
    assert "'unsafe-eval'" not in shell.POLICY.replace("'wasm-unsafe-eval'", "")
    assert "script-src 'self' 'wasm-unsafe-eval';" in shell.POLICY


def test_lessons_are_whole(bare):
    """Every step, answer, reason, formula and reference of a lesson is on its page, and no TeX is left."""
    folder, _ = bare
    for name, lesson in lessons().items():
        page = (folder / f"lesson-{name}.html").read_text(encoding="utf-8")
        assert page.count('class="step"') == len(lesson.steps)
        assert page.count("data-why=") == page.count('name="answer"') == len(lesson.question.options)
        assert page.count("<math") >= sum(bool(latex) for _, latex in lesson.derivation.lines)
        assert page.count("data-right") == 2
        words = re.sub(r"<[^>]+>", " ", page)
        assert not re.search(r"\$|\\[a-z]+|:gray|\*\*", words), re.search(r".{30}(\$|\\[a-z]+|:gray|\*\*).{30}", words)


@pytest.mark.parametrize(("text", "wanted"), [
    ("**a** and *b*", "<p><strong>a</strong> and <em>b</em></p>"),
    ("one\n\n- x\n- y", "<p>one</p>\n<ul>\n<li>x</li>\n<li>y</li>\n</ul>"),
    (":gray[see [this]]", '<p><span class="muted">see [this]</span></p>'),
    ("<script>alert(1)</script> & 1 < 2", "<p>&lt;script&gt;alert(1)&lt;/script&gt; &amp; 1 &lt; 2</p>"),
    ("[a](https://arxiv.org/abs/1)", '<p><a rel="external noreferrer" href="https://arxiv.org/abs/1">a</a></p>'),
])
def test_markdown_becomes_html(text, wanted):
    assert texts.html_of(text) == wanted


def test_formulas_become_mathml():
    assert "<msup>" in texts.html_of("so $x^2 < 1$ holds")
    assert texts.formula(r"\frac1{\sigma^2}").startswith('<div class="formula" tabindex="0"><math')


def test_data_in_a_page_cannot_end_their_element():
    made = shell.embedded({"a": "</script><script>alert(1)</script>\u2028"})
    assert "<" not in made
    assert json.loads(made) == {"a": "</script><script>alert(1)</script>\u2028"}


def test_only_an_earlier_edition_is_replaced(tmp_path):
    files = Files()
    files.add("index.html", "one")
    folder = tmp_path / "there"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    with pytest.raises(ValueError, match="holds other files"):
        files.write(folder, {})
    assert [p.name for p in folder.iterdir()] == ["thesis.tex"]
    (folder / "thesis.tex").unlink()
    files.write(folder, {})
    other = Files()
    other.add("learn.html", "two")
    other.write(folder, {})
    assert sorted(p.name for p in folder.iterdir()) == [MANIFEST, "learn.html"]
    assert [p.name for p in tmp_path.iterdir()] == ["there"]
    with pytest.raises(ValueError, match="expected a folder"):
        files.write(folder / "learn.html", {})
    for name in ("../out", "/etc/x", "a//b", MANIFEST, "learn html"):
        with pytest.raises(ValueError, match="name"):
            other.add(name, "")


def test_the_command_says_what_it_needs(tmp_path, capsys):
    assert main(["publish", str(tmp_path / "new"), "--models", "polymnist"]) == 1
    assert "expected DATASET/MODEL" in capsys.readouterr().err
    assert main(["publish", str(tmp_path / "new"), "--models", "polymnist/none-such"]) == 1
    assert "none-such" in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_links_hold_the_scenes_of_the_app():
    """What scene-link.mjs writes Python reads, and the other way round."""
    if not shutil.which("node"):
        pytest.skip("node is not installed")
    wanted = {name: scenes.preset(name) for name in scenes.PRESETS}
    wanted["mine"] = scenes.plain(
        [scenes.expert(-0.25, 3, 0.3, 1.2, 0.4), scenes.expert(0, -0.001, 1, 1, 0, False)], prior=True, fill=None,
        view="line", rules=["fisher-rao", "mwb"], alpha=0.125)
    given = {"scenes": wanted, "texts": {name: scenes.encode(scene) for name, scene in wanted.items()},
             "plain": scenes.plain([]), "rules": list(scenes.TWINS)}
    program = """
        import { encode, decode } from "./bvae/app/edition/browser/scene-link.mjs";
        const { scenes, texts, plain, rules } = JSON.parse(await new Response(process.stdin).text());
        const of = (object, made) => Object.fromEntries(Object.entries(object).map(([k, v]) => [k, made(v)]));
        console.log(JSON.stringify({ texts: of(scenes, encode), scenes: of(texts, (t) => decode(t, plain, rules)),
          bad: ["", "2~1,2", "1~0,0,1,0,1,1~a,b,c,d,e,f", null, "1~" + "x".repeat(2000)].map(
            (t) => decode(t, plain, rules)) }));"""
    done = subprocess.run(["node", "--no-warnings", "--input-type=module", "-e", program], cwd=ROOT, text=True,
                          input=json.dumps(given), capture_output=True, timeout=60, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for name, text in found["texts"].items():  # halves of the last digit are rounded otherwise
        pairs = list(zip(re.split("[~,]", text), re.split("[~,]", given["texts"][name]), strict=True))
        assert [p for p in pairs if p[0] != p[1] and abs(float(p[0]) - float(p[1])) > 0.00101] == [], name
    assert found["bad"] == [None] * 5
    for name, scene in found["scenes"].items():
        assert scenes.same(scenes.checked(scene), scenes.decode(given["texts"][name])), name


def test_every_class_of_its_templates_has_a_style():
    css = re.sub(r"/\*.*?\*/|\{.*?\}", "", shell.stylesheet(), flags=re.DOTALL)
    styled = set(re.findall(r"\.(-?[a-zA-Z][\w-]*)", css))
    used = {name for path in (HERE / "edition").glob("*.jinja")
            for names in re.findall(r'class="([^"{]*)"', path.read_text(encoding="utf-8")) for name in names.split()}
    assert used <= styled


def test_its_pages_are_pages_of_the_app():
    assert set(parts.PARTS) <= set(PAGES)
