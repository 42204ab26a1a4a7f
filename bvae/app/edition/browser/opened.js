/* Who opens a page as a file is told why nothing moves: browsers run no modules from files. */
document.documentElement.classList.add("scripted");
addEventListener("DOMContentLoaded", () => {
  if (location.protocol !== "file:") return;
  const told = document.getElementById("unopened");
  told.hidden = false;
  told.textContent = "This page was opened as a file; browsers keep its scripts from running there. In its folder, "
    + "run: python -m http.server, then open http://localhost:8000";
});
