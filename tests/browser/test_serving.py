"""Contexts of the browser that tests hand on to each other."""

from tests.support.serving import watched

KEPT = "() => ['kept' in localStorage, 'kept' in sessionStorage, document.cookie.includes('kept=')]"


def test_a_context_that_is_used_again_holds_nothing_of_before(chromium, app_url):
    contexts = []
    for _ in range(2):
        with watched(chromium, 500, 400) as tab:
            tab.goto(f"{app_url}/_stcore/health")
            assert tab.evaluate(KEPT) == [False] * 3
            tab.evaluate("() => { localStorage.kept = 1; sessionStorage.kept = 1; document.cookie = 'kept=1'; }")
            assert tab.evaluate(KEPT) == [True] * 3
            contexts.append(tab.context)
    assert contexts[0] == contexts[1]
