// A patient as fields beside the text that says the same: a field rewrites its own part of the text, and what the server
// reads of the text fills the fields. The text is the one input that the server knows.
(function () {
  "use strict";
  const $id = (id) => document.getElementById(id);
  const says = (item, key) => item.split("=").length === 2 && item.split("=")[0].trim().toLowerCase() === key;

  // The text with another value for a key: its other parts stay as they are written, even one that cannot be read.
  function rewritten(text, key, value, unit) {
    const items = text.split(",").map((item) => item.trim()).filter(Boolean), at = items.findIndex((item) => says(item, key));
    const said = value === "" ? [] : [`${key}=${value}${unit ? " " + unit : ""}`];
    if (at < 0) return [...items, ...said].join(", ");
    return [...items.slice(0, at), ...said, ...items.slice(at + 1)].join(", ");
  }

  document.addEventListener("input", (event) => {
    const part = event.target.closest(".person-input");
    if (!part || part.validity.badInput) return;
    const text = $id(`${part.closest(".person").dataset.person}_patient`);
    text.value = rewritten(text.value, part.dataset.key, part.value, part.dataset.unit);
    text.dispatchEvent(new Event("input", { bubbles: true }));
  });

  Shiny.addCustomMessageHandler("spasmlab-person", ({ tab, given, assumed, clearance, source, says: words }) => {
    for (const part of document.querySelectorAll(`.person[data-person="${tab}"] .person-input`)) {
      const value = given[part.dataset.key] ?? "";
      if (part.tagName !== "SELECT") part.placeholder = assumed[part.dataset.key] ?? "";
      if (part !== document.activeElement && part.value !== value) part.value = value; // never under the hand that types
    }
    $id(`${tab}_clearance`).textContent = clearance;
    $id(`${tab}_clearance_source`).textContent = source;
    $id(`${tab}_person`).textContent = words;
  });
})();
