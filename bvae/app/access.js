// What keyboards and screen readers need beside Streamlit's own: an opened popover takes the focus and gives it back, so
// that arrows move nothing behind it; no two controls of a page have one name, none is a sign alone; and a phone's menu is a
// list for each of its groups, where Streamlit has one list with headings in it; and the menu says where one is.
(() => {
  const BODY = '[data-testid="stPopoverBody"]';
  const OPENER = '[data-testid="stPopoverButton"]';
  const CONTROL = 'button, a[href], input, textarea, select, [role="slider"], [role="combobox"], [role="tab"], '
    + '[role="application"]';
  const WIDGET = '[data-testid="stElementContainer"], .stElementContainer';
  const HEADINGS = "h1, h2, h3, h4, h5, h6";
  const WORD = /\p{L}{2}/u;
  const QUIET = 250;  // milliseconds without a change

  // -- popovers

  let open = null;    // the body of the popover that is open
  let opener = null;  // its button
  const follow = () => {
    const body = document.querySelector(BODY);
    if (body === open) return;
    if (body) {
      opener = document.querySelector(`${OPENER}[aria-expanded="true"]`);
      if (!body.contains(document.activeElement)) {
        body.tabIndex = -1;
        body.style.outline = "none";
        body.focus({preventScroll: true});
      }
    } else {
      const nowhere = !document.activeElement || document.activeElement === document.body;
      if (nowhere && opener?.isConnected) opener.focus({preventScroll: true});
    }
    open = body;
  };

  // -- names

  const given = new WeakMap();  // element -> {own: its name without us, ours: the label that we gave it, or null}
  const text = (element) => element?.textContent.replace(/\s+/g, " ").trim() ?? "";
  const labelled = (element) => {
    const ids = element.getAttribute("aria-labelledby")?.split(/\s+/) ?? [];
    return [...ids.map((id) => text(document.getElementById(id))), ...[...element.labels ?? []].map(text)]
      .filter(Boolean).join(" ");
  };
  const ownName = (element) => {
    const label = element.getAttribute("aria-label");
    const known = given.get(element);
    if (label !== null && label !== known?.ours) return label.trim();  // Streamlit's, perhaps a new one
    if (known?.ours && known.labelled) return known.own;
    return labelled(element) || said(element) || element.getAttribute("title") || "";
  };
  const said = (element) => {  // what stands on it, without icons
    const copy = element.cloneNode(true);
    for (const silent of copy.querySelectorAll('[aria-hidden="true"], svg')) silent.remove();
    return copy.textContent.replace(/\s+/g, " ").trim()
      || [...element.querySelectorAll("img[alt]")].map((image) => image.alt).join(" ").trim();
  };
  const widgetLabel = (element) => {
    const box = element.closest(WIDGET);
    const group = element.closest('[role="group"][aria-label], [role="radiogroup"][aria-label]');
    return group?.getAttribute("aria-label") || text(box?.querySelector('[data-testid="stWidgetLabel"]'))
      || box?.querySelector("input[aria-label]")?.getAttribute("aria-label") || "";
  };
  const headingOf = (element, headings) => {
    let last = null;
    for (const heading of headings) {
      if (heading.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) last = heading;
      else break;
    }
    return text(last);
  };
  const counted = (names) => names.reduce((seen, name) => seen.set(name, (seen.get(name) ?? 0) + 1), new Map());

  const nameAll = () => {
    const main = document.querySelector('[data-testid="stMain"]');
    if (!main) return;
    const headings = [...main.querySelectorAll(HEADINGS)];
    const controls = [...main.querySelectorAll(CONTROL)].filter(
      (element) => element.getClientRects().length && !element.closest('[aria-hidden="true"]'));
    const own = controls.map(ownName);
    const sort = controls.map((element) => element.getAttribute("role") ?? element.tagName);
    const keys = own.map((name, k) => `${sort[k]} ${name}`);
    const first = counted(keys);
    const names = controls.map((element, k) => {
      if (!own[k] || (first.get(keys[k]) === 1 && WORD.test(own[k]))) return own[k];
      const heading = element.closest(HEADINGS);
      const context = heading ? text(heading) : widgetLabel(element) || headingOf(element, headings);
      return context && context !== own[k] ? `${own[k]}, ${context}` : own[k];
    });
    const second = counted(names.map((name, k) => `${sort[k]} ${name}`));
    const place = new Map();
    controls.forEach((element, k) => {
      const key = `${sort[k]} ${names[k]}`;
      let name = names[k];
      if (name && second.get(key) > 1) {
        place.set(key, (place.get(key) ?? 0) + 1);
        name = `${name}, ${place.get(key)} of ${second.get(key)}`;
      }
      const known = given.get(element);
      if (name === own[k]) {
        if (known?.ours) {
          if (known.labelled) element.setAttribute("aria-label", known.own);
          else element.removeAttribute("aria-label");
          given.delete(element);
        }
      } else if (element.getAttribute("aria-label") !== name) {
        const label = element.getAttribute("aria-label");
        given.set(element, {own: own[k], ours: name, labelled: known?.ours === label ? known.labelled : label !== null});
        element.setAttribute("aria-label", name);
      }
    });
  };

  // -- the menu of a phone

  const groupMenu = () => {
    for (const menu of document.querySelectorAll('[data-testid="stSidebarNavItems"]:not([role])')) {
      menu.setAttribute("role", "presentation");
    }
    for (const heading of document.querySelectorAll('[data-testid="stNavSectionHeader"]:not([role])')) {
      heading.setAttribute("role", "presentation");
      heading.parentElement.setAttribute("role", "list");
      heading.parentElement.setAttribute("aria-label", said(heading));
    }
  };

  // -- where one is: the group of the open page in the menu, and the page itself

  const groups = GROUPS;  // name of a page -> its group
  const mark = () => {
    const name = location.pathname.replace(/\/$/, "").split("/").pop();
    const group = groups[name] ?? Object.values(groups)[0];
    for (const section of document.querySelectorAll('[data-testid="stTopNavSection"]')) {
      if (said(section) === group) section.setAttribute("aria-current", "true");
      else section.removeAttribute("aria-current");
    }
    for (const link of document.querySelectorAll('a:is([data-testid^="stTopNav"], [data-testid="stSidebarNavLink"])')) {
      if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
  };

  let waiting = null;
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
  new MutationObserver(() => {
    follow();
    groupMenu();
    mark();
    clearTimeout(waiting);
    waiting = setTimeout(() => idle(nameAll), QUIET);
  }).observe(document, {childList: true, subtree: true});
})();
