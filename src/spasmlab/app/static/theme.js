// Light or dark before the first paint: what was chosen here before, else what the system prefers.
(function () {
  "use strict";
  let chosen = null;
  try { chosen = localStorage.getItem("spasmlab-theme"); } catch (problem) { /* no storage: the system decides */ }
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
