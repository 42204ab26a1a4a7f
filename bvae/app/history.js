// Back leads to where one came from, as one left it: only a link opens an entry of the browser's history, everything
// else rewrites the entry that one is at. Streamlit opens one for every parameter that its server puts into the address,
// and on the way to another page first one of the page that is left, without all that was chosen there.
(() => {
  const open = history.pushState.bind(history);
  const rewrite = history.replaceState.bind(history);
  let followed = false;  // a link, which has no entry yet
  let left = null;       // the address when one last clicked

  addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    const elsewhere = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || link?.target === "_blank";
    followed = Boolean(link) && !elsewhere && link.origin === location.origin
      && !link.getAttribute("href").startsWith("#");
    left = location.href;
  }, true);
  addEventListener("popstate", () => { followed = false; left = null; }, true);

  history.pushState = (state, title, address) => {
    const leaves = new URL(address, location.href).pathname !== location.pathname;
    if (followed) {
      followed = false;
      left = null;
      open(state, title, address);
    } else if (leaves && left) {  // a button that leads to another page
      rewrite(history.state, title, left);
      left = null;
      open(state, title, address);
    } else {
      rewrite(state, title, address);
    }
  };
})();
