"use strict";
(() => {
  const dialog = document.getElementById("figure");
  const pane = dialog.querySelector("div");

  // Figures: a button around each picture opens it as large as the window.
  for (const image of document.querySelectorAll("figure.chart img")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "zoom";
    button.setAttribute("aria-label", dialog.dataset.enlarge + ": " + image.alt.slice(0, 80));
    // On a narrow screen a wide picture keeps a readable size and scrolls in this box.
    const box = document.createElement("div");
    box.className = "scroll";
    image.replaceWith(box);
    box.append(button);
    button.append(image);
    button.addEventListener("click", () => {
      pane.replaceChildren(image.cloneNode());
      dialog.showModal();
    });
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });

  // Tables: a button in each head sorts the body; the totals line lies in tfoot and stays.
  const value = (row, index) => {
    const cell = row.cells[index];
    if ("sort" in cell.dataset) return Number(cell.dataset.sort);
    const text = cell.textContent.trim();
    const number = Number(text.replace(/[,%+¥$]/g, "").replace("−", "-"));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
      : typeof a === "number" ? -1 : typeof b === "number" ? 1
        : a.localeCompare(b, document.documentElement.lang, { numeric: true });
  for (const table of document.querySelectorAll("figure.table table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length < 3) continue;
    for (const [index, head] of [...table.tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.title = dialog.dataset.sort;
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        const rows = [...body.rows].map((row) => [value(row, index), row]);
        rows.sort((a, b) => (down ? -1 : 1) * compare(a[0], b[0]));
        body.append(...rows.map(([, row]) => row));
      });
    }
  }

  // Long tables: a field that keeps the rows holding its text; the totals line stays.
  for (const table of document.querySelectorAll("figure.table table")) {
    const body = table.tBodies[0];
    if (!body || body.rows.length <= 8) continue;
    const field = document.createElement("input");
    const found = document.createElement("output");
    const line = document.createElement("p");
    field.type = "search";
    field.placeholder = dialog.dataset.filter;
    field.setAttribute("aria-label", dialog.dataset.filter + ": " + table.caption.textContent);
    line.className = "filter";
    line.append(field, found);
    table.closest(".scroll").before(line);
    const plain = (text) => text.normalize("NFKC").toLowerCase();
    field.addEventListener("input", () => {
      const wanted = plain(field.value.trim());
      let kept = 0;
      for (const row of body.rows) {
        row.hidden = ![...row.cells].some((cell) => plain(cell.textContent).includes(wanted));
        kept += row.hidden ? 0 : 1;
      }
      found.textContent = wanted && kept + " / " + body.rows.length;
    });
  }

  // Contents: mark the chapter being read.
  const links = new Map([...document.querySelectorAll(".contents a")].map((a) => [a.hash.slice(1), a]));
  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      for (const link of links.values()) link.removeAttribute("aria-current");
      links.get(entry.target.id)?.setAttribute("aria-current", "true");
    }
  }, { rootMargin: "-10% 0px -80% 0px" });
  for (const id of links.keys()) {
    const target = document.getElementById(id);
    if (target) seen.observe(target);
  }

  // On paper every fold is open.
  const folds = document.querySelectorAll("details.how");
  addEventListener("beforeprint", () => { for (const fold of folds) fold.open = true; });
})();
