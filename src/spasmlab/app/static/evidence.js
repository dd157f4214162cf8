// Evidence: buttons of its tables, what is opened, and the focus, which stays where it was when a table is drawn again.
(function () {
  "use strict";
  const set = (name, value) => Shiny.setInputValue(name, value, { priority: "event" });
  let opening = false, back = null;

  document.addEventListener("click", (event) => {
    const el = event.target.closest("button, a");
    if (!el) return;
    const data = el.dataset;
    if (data.evidence !== undefined) { opening = true; back = back || el; }
    if (data.evidenceView) set("evidence_set", { view: data.evidenceView });
    if (data.evidenceSort) set("evidence_set", { sort: data.evidenceSort, order: data.evidenceOrder });
    if (data.evidencePage) set("evidence_set", { page: Number(data.evidencePage) });
    if (data.evidenceClose) close();
    if (data.evidenceExport) set("evidence_export", { kind: data.evidenceExport });
    if (data.evidenceRun) set("evidence_run", { name: data.evidenceRun });
    if (data.evidenceCancel) set("evidence_cancel", 1);
  });

  function close() {
    set("evidence_set", { open: "" });
    const to = back && back.isConnected ? back : document.getElementById("evidence_find");
    back = null;
    if (to && to.offsetParent) to.focus();
  }
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target.closest && event.target.closest("#evidence_detail")) close();
  });

  Shiny.addCustomMessageHandler("spasmlab-evidence", ({ view, filters }) => {
    document.querySelector(".evidence").dataset.view = view;
    for (const button of document.querySelectorAll("[data-evidence-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.evidenceView === view));
    }
    for (const box of document.querySelectorAll(".filters [data-filter]")) {
      box.hidden = !filters.includes(box.dataset.filter);
    }
  });

  // What is drawn again takes the focus back to the same button; what was just opened gets it.
  let held = null;
  $(document).on("shiny:value", (event) => {
    const id = event.target && event.target.id;
    if (id !== "evidence_list") return;
    const active = document.activeElement;
    held = active && active.id && event.target.contains(active) ? active.id : null;
  });
  function watch() {
    const list = document.getElementById("evidence_list"), panel = document.getElementById("evidence_detail");
    new MutationObserver(() => {
      const again = held && document.getElementById(held);
      held = null;
      if (!again) return;
      if (again.disabled) list.querySelector(".pager button:not(:disabled)").focus(); else again.focus();
    }).observe(list, { childList: true });
    new MutationObserver(() => {
      const title = document.getElementById("evidence-opened");
      if (!title || !opening) return;
      opening = false;
      title.focus({ preventScroll: true });
      panel.scrollTop = 0;
      title.scrollIntoView({ block: "nearest" });
      const box = panel.getBoundingClientRect();
      if (box.top < 0 || box.top > window.innerHeight * 0.6) panel.scrollIntoView({ block: "start" });
    }).observe(panel, { childList: true });
  }
  watch();
})();
