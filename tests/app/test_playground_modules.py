"""The playground's modules: put together as one, and compared with Python under plain node."""

import json
import re
import shutil
import subprocess

import jsonschema
import pytest

from bvae.app.components.playground import HERE, modules, scenes, schema, script
from tests.support import ROOT, parity

MODULES = sorted((HERE / "browser").glob("*.mjs"))


def node(*arguments):
    """What a node program prints; a test that needs it is skipped where there is no node."""
    if not shutil.which("node"):
        pytest.skip("node is not installed; tests/browser compares the same cases in Chromium")
    done = subprocess.run(["node", "--no-warnings", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True,
                          encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- put together ------------------------------------------------------------------------------------------------------


@pytest.fixture
def put_together(tmp_path):
    """Modules by name and text -> the bundle of the first."""
    def write(**texts):
        for name, text in texts.items():
            (tmp_path / name.replace("_", ".")).write_text(text, encoding="utf-8")
        return modules.bundle(tmp_path / next(iter(texts)).replace("_", "."))

    return write


def test_modules_keep_their_own_names_and_their_order(put_together, tmp_path):
    (tmp_path / "data.json").write_text('{"number": 7}')
    text = put_together(
        first_mjs='import { twice as double } from "./b.mjs";\nimport {\n  name,\n  twice,\n} from "./c.mjs";\n'
                  'import data from "./data.json" with { type: "json" };\nconst hidden = 1;\n'
                  "export default function () {\n  return [double(hidden), name, twice(1), data.number];\n}\n",
        b_mjs='import { name } from "./c.mjs";\nconst hidden = 2;\n'
              "export function twice(x) {\n  return 2 * x * hidden + name.length;\n}\n",
        c_mjs='const hidden = 3;\nexport const [name, other] = ["abc", hidden];\n'
              "export async function unused() {}\nexport function twice(x) {\n  return x + other;\n}\n",
    )
    assert text.count("const hidden") == 3
    assert text.index("module_c =") < text.index("module_b =") < text.index("export default")
    file = tmp_path / "bundle.mjs"
    file.write_text(text)
    program = f"import({json.dumps(file.as_uri())}).then((m) => console.log(JSON.stringify(m.default())))"
    printed = node("-e", program)
    assert json.loads(printed) == [7, "abc", 4, 7]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"a_mjs": 'import { x } from "./b.mjs";\n', "b_mjs": "const x = 1;\n"}, "a.mjs: b.mjs exports no 'x'"),
        ({"a_mjs": 'import { x } from "./b.mjs";\nexport const y = 1;\n',
          "b_mjs": 'import { y } from "./a.mjs";\nexport const x = 1;\n'}, "circle: a.mjs -> b.mjs -> a.mjs"),
        ({"a_mjs": '\nimport * as b from "./b.mjs";\n'}, r"a.mjs, line 2: cannot be put together: import \* as b"),
        ({"a_mjs": 'import {\n  x,\n} from "./b.mjs";\nexport let z = 1;\n', "b_mjs": "export const x = 1;\n"},
         "a.mjs, line 4: cannot be put together: export let z"),
        ({"a_mjs": "const a = 1;\nexport { a };\n"}, "a.mjs, line 2: cannot be put together: export { a }"),
        ({"a_mjs": 'const b = await import("./b.mjs");\n'}, "a.mjs, line 1: cannot be put together: const b = await"),
        ({"a_mjs": 'import { x } from "./b.mjs";\n',
          "b_mjs": "export const x = 1;\nexport default function () {}\n"}, "b.mjs: only the first module"),
    ],
)
def test_what_cannot_be_put_together_is_refused_with_its_place(put_together, texts, message):
    with pytest.raises(modules.BadModule, match=message):
        put_together(**texts)


def test_a_module_that_is_not_there_is_named(put_together):
    with pytest.raises(FileNotFoundError, match="b.mjs"):
        put_together(a_mjs='import { x } from "./b.mjs";\n')


def test_every_module_is_put_in_once_and_is_used():
    text = script()
    for file in MODULES:
        if file.name != "playground.mjs":
            assert text.count(f"const module_{file.stem.replace('-', '_')} = (() =>") == 1
    assert not re.search(r"^import\b", text, re.MULTILINE)
    assert re.findall(r"^export .*", text, re.MULTILINE) == ["export default function (component) {"]


@pytest.mark.parametrize("file", MODULES, ids=lambda file: file.stem)
def test_every_name_that_a_module_imports_is_used_and_lines_are_short(file):
    text = file.read_text(encoding="utf-8")
    body = modules.NAMED.sub("", text)
    for names, _ in modules.NAMED.findall(text):
        for name in re.findall(r"\w+", names):
            assert re.search(rf"\b{name}\b", body), name
    assert max(map(len, text.splitlines())) <= 120
    assert len(text.splitlines()) < 250


def test_the_whole_is_one_module_with_one_function(tmp_path):
    (tmp_path / "whole.mjs").write_text(script(), encoding="utf-8")
    file = json.dumps((tmp_path / "whole.mjs").as_uri())
    assert node("-e", f"import({file}).then((m) => console.log(Object.keys(m), typeof m.default))").split() == [
        "[", "'default'", "]", "function"]


# -- the same as Python ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What ``parity.mjs`` says of all cases."""
    file = tmp_path_factory.mktemp("parity") / "cases.json"
    file.write_text(json.dumps(parity.cases()), encoding="utf-8")
    return json.loads(node("tests/support/parity.mjs", file))


@pytest.mark.parametrize("group", parity.GROUPS)
def test_node_aggregates_as_python_does(found, group):
    parity.assert_equal(found, group)


def test_python_knows_which_rules_the_browser_computes(found):
    assert sorted(found["rules"]) == sorted(scenes.TWINS)
    assert set(scenes.TWINS) <= set(parity.cases()["rules"])


def test_node_and_python_draw_the_same_limits(found):
    parity.assert_same_scenes(found)


# -- the schema --------------------------------------------------------------------------------------------------------


def test_the_schema_says_what_python_takes():
    """By a validator that knows neither of the two."""
    jsonschema.Draft202012Validator.check_schema(schema.SCHEMA)
    validator = jsonschema.Draft202012Validator(schema.SCHEMA)
    verdicts = []
    for scene in parity.cases()["scenes"]:
        try:
            scenes.checked(scene)
        except scenes.BadScene as error:
            # That a covariance is positive definite, and how long its axes are, JSON Schema cannot say.
            verdicts.append((validator.is_valid(scene) and "covariance" not in str(error)
                             and "standard deviation" not in str(error), False))
        else:
            verdicts.append((validator.is_valid(scene), True))
    assert all(schemas == pythons for schemas, pythons in verdicts)
    for name in scenes.PRESETS:
        validator.validate(scenes.preset(name))


def test_defaults_are_within_their_limits_and_a_reach_is_within_its_own():
    assert scenes.checked(scenes.plain([scenes.expert(0, 0, 1, 1)] * schema.FEWEST))
    for field in (*schema.EXPERT["mean"]["prefixItems"], schema.SCALE):
        low, high = field["reach"]
        assert field["minimum"] < low < high < field["maximum"]
    for name in ("alpha", "rho"):
        low, high = schema.limits(schema.FIELDS[name])
        assert low <= schema.default(name) <= high
