"""What rules are called: links hold the short names, so those of before stay."""

from bvae.aggregators import AGGREGATORS, aggregators, naming

OF_LINKS = {
    "poe": "PoE", "geometric": "Geometric mean", "moe": "MoE", "moment": "Moment", "wasserstein": "Wasserstein",
    "mopoe": "MoPoE", "mwb": "MWB", "hoelder": "Hölder", "helvae": "HELVAE", "jeffreys": "Jeffreys",
    "fisher-rao": "Fisher-Rao", "code": "CoDE",
}


def test_short_names_are_those_that_links_hold_in_the_order_of_before():
    assert {rule: naming.short(rule) for rule in OF_LINKS} == OF_LINKS
    assert [rule for rule in naming.ordered(aggregators()) if rule in OF_LINKS] == list(OF_LINKS)


def test_a_rule_that_says_nothing_goes_by_its_registered_name_and_comes_last(monkeypatch):
    monkeypatch.setitem(AGGREGATORS._entries, "a-newcomer", type("Newcomer", (AGGREGATORS["moment"].__base__,), {}))
    for name in ("a-newcomer", "nobody"):
        assert naming.title(name) == naming.short(name) == name
    assert naming.ordered({"mixture(poe)", "a-newcomer", "code", "poe"}) == [
        "poe", "code", "a-newcomer", "mixture(poe)"]


def test_a_title_is_the_rules_own(monkeypatch):
    monkeypatch.setattr(AGGREGATORS["moe"], "title", "Everybody")
    monkeypatch.setattr(AGGREGATORS["moe"], "order", 1)
    assert naming.title("moe") == "Everybody"
    assert naming.ordered(["poe", "moe"]) == ["moe", "poe"]


def test_a_mixture_goes_by_the_name_of_the_rule_inside():
    assert naming.short("mixture(code)") == "mixture of CoDE"
    assert naming.title("mixture(code)") == f"Mixture over subsets: {naming.title('code')}"
