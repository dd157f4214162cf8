// Compare: cards of arms come and go, charts follow.
(function () {
  "use strict";
  const $id = (id) => document.getElementById(id);
  let known = null;

  Shiny.addCustomMessageHandler("spasmlab-compare-arms", ({ count, most }) => {
    const cards = [...document.querySelectorAll("#compare_arms > .arm")];
    cards.forEach((card, place) => {
      card.hidden = place >= count;
      card.querySelector("[id$='_remove']").disabled = count <= 1;
      card.querySelector("[id$='_duplicate']").disabled = count >= most;
    });
    $id("compare_add").disabled = count >= most;
    if (known !== null && count > known) cards[count - 1].querySelector(".field-input").focus();
    else if (known !== null && count < known && document.activeElement === document.body) $id("compare_add").focus();
    known = count;
  });

  Shiny.addCustomMessageHandler("spasmlab-compare", ({ drawings }) => {
    for (const [id, drawing] of Object.entries(drawings)) window.spasmlab.draw($id(id), drawing);
  });
  Shiny.addCustomMessageHandler("spasmlab-compare-source", ({ text }) => { $id("compare_source").textContent = text; });
})();
