"use strict";
(() => {
  const form = document.querySelector("form.filters");
  const rows = [...document.querySelectorAll("tr[data-case]")];
  const groups = [...document.querySelectorAll("tr.group")];
  const articles = [...document.querySelectorAll("article[data-case]")];
  const chips = [...document.querySelectorAll("button.row")];
  const count = document.querySelector(".count");
  let proof = "";

  // A case is shown if its text, its rows and at least one of its outcomes at the chosen provider are asked for.
  const apply = () => {
    const words = form.elements.text.value.trim().toLowerCase();
    const provider = form.elements.provider.value;
    const group = form.elements.group.value;
    const outcomes = new Set([...form.querySelectorAll("[name=outcome]:checked")].map((box) => box.value));
    const wanted = (article) =>
      (!provider || article.dataset.provider === provider) && outcomes.has(article.dataset.outcome);
    const shown = new Set();
    for (const article of articles) {
      const fits = wanted(article)
        && (!group || article.dataset.group === group)
        && (!proof || article.dataset.proves.split(" ").includes(proof))
        && (!words || article.dataset.text.includes(words));
      article.hidden = !fits;
      if (fits) shown.add(article.dataset.case);
    }
    for (const row of rows) row.hidden = !shown.has(row.dataset.case);
    for (const head of groups) {
      head.hidden = !rows.some((row) => !row.hidden && row.dataset.group === head.dataset.group);
    }
    for (const mark of document.querySelectorAll("[data-column]")) {
      mark.hidden = provider !== "" && mark.dataset.column !== provider;
    }
    for (const chip of chips) chip.setAttribute("aria-pressed", String(chip.dataset.proof === proof));
    count.textContent = `${shown.size} of ${rows.length} cases`;
  };

  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (target && target.matches("article")) {
      target.hidden = false;
      target.querySelector("details").open = true;
      target.scrollIntoView();
    }
  };

  form.addEventListener("input", apply);
  form.addEventListener("change", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  // The event "reset" comes before the fields have their first values again; a click here comes back after.
  form.querySelector("[type=reset]").addEventListener("click", (event) => {
    event.preventDefault();
    form.reset();
    proof = "";
    apply();
  });
  for (const chip of chips) {
    chip.addEventListener("click", () => { proof = proof === chip.dataset.proof ? "" : chip.dataset.proof; apply(); });
  }
  addEventListener("hashchange", open);
  apply();
  open();
})();
