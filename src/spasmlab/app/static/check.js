// Check: parts of the answer, files to save, and a record read from a file that the person chose.
(function () {
  "use strict";
  const set = (name, value) => Shiny.setInputValue(name, value, { priority: "event" });

  document.addEventListener("click", (event) => {
    const el = event.target.closest("button");
    if (!el) return;
    if (el.dataset.checkPart) set("check_part", el.dataset.checkPart);
    if (el.dataset.checkSave) set("check_save", el.dataset.checkSave);
    if (el.dataset.checkRecord) {
      set("check_record", "away");
      const input = document.getElementById("check-record");
      input.value = "";
      input.focus();
    }
  });

  Shiny.addCustomMessageHandler("spasmlab-check", ({ part }) => {
    document.querySelector(".check-grid").dataset.part = part;
    for (const button of document.querySelectorAll("[data-check-part]")) {
      button.setAttribute("aria-pressed", String(button.dataset.checkPart === part));
    }
  });

  const input = document.getElementById("check-record");
  input.addEventListener("change", async () => {
    const file = input.files[0];
    if (!file) return;
    // What is too large is not sent at all; the server says how much it may be.
    const text = file.size > Number(input.dataset.most) ? "x".repeat(Number(input.dataset.most) + 1) : await file.text();
    set("check_record", { name: file.name, text, stamp: Date.now() % 2147483647 });
  });
})();
