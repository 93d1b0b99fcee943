"use strict";
(() => {
  const lang = document.documentElement.lang;

  // How long ago: known here only, so that the page itself is the same on every day.
  const age = new Intl.RelativeTimeFormat(lang, { numeric: "auto" });
  // Swedish writes dates as the reports' tables do: 2026-10-31.
  const clock = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "short" });
  const day = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short" });
  const ago = (then) => {
    const hours = Math.round((then - Date.now()) / 3.6e6);
    if (Math.abs(hours) < 24) return age.format(hours, "hour");
    const days = Math.round(hours / 24);
    return Math.abs(days) < 60 ? age.format(days, "day") : age.format(Math.round(days / 30.4), "month");
  };
  for (const time of document.querySelectorAll("time")) {
    const then = new Date(time.dateTime);
    if (Number.isNaN(then.getTime())) continue;
    const note = document.createElement("span");
    note.textContent = lang === "ja" ? ago(then).replace(/\s/g, "") : ago(then);
    if (time.closest(".ran")) {
      time.textContent = day.format(then);
      time.append(note);
    } else {
      time.textContent = clock.format(then) + (lang === "ja" ? "（" : " (");
      time.append(note, lang === "ja" ? "）" : ")");
    }
  }

  const controls = document.querySelector(".controls");
  if (!controls) return;
  const tables = [...document.querySelectorAll(".grid table")];
  const plain = (text) => text.normalize("NFKC").toLowerCase();
  const rows = tables.flatMap((table) => [...table.tBodies[0].rows].map((row) => ({
    row, table, name: plain(row.dataset.client), cells: [...row.querySelectorAll("td[data-s]")],
  })));

  // Filter: rows of the client, with a report of that status; other reports of the row step back.
  const apply = () => {
    const wanted = plain(controls.elements.client.value.trim());
    const status = controls.elements.status.value;
    const kept = new Set();
    let count = 0;
    for (const { row, table, name, cells } of rows) {
      const hits = cells.filter((cell) => !status || cell.dataset.s === status);
      const shown = name.includes(wanted) && (!status || hits.length > 0);
      row.classList.toggle("away", !shown);
      if (status) for (const cell of cells) cell.classList.toggle("wanted", cell.dataset.s === status);
      if (shown) { kept.add(table); count += 1; }
    }
    for (const table of tables) {
      table.classList.toggle("only", status !== "");
      table.closest("section").classList.toggle("away", !kept.has(table));
    }
    const said = wanted || status ? count + " / " + rows.length : "";
    controls.querySelector("output").textContent = count ? said : controls.dataset.nothing;
  };
  controls.addEventListener("input", apply);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.hidden = false;

  // Sort: by client, by the last run, or by the figure of a period; rows without one come last.
  for (const table of tables) {
    const heads = [...table.tHead.querySelectorAll("th[data-by]")];
    const body = table.tBodies[0];
    for (const head of heads) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "sort";
      button.title = controls.dataset.sort;
      button.append(...head.childNodes);
      head.append(button);
      const by = head.dataset.by;
      const key = (row) => {
        if (by === "client") return plain(row.dataset.client);
        if (by === "ran") return row.cells[1].querySelector("time")?.dateTime ?? null;
        const value = row.cells[Number(by) + 2].dataset.v;
        return value === undefined ? null : Number(value);
      };
      const compare = (a, b) => typeof a === "number" ? a - b : a.localeCompare(b, lang, { numeric: true });
      button.addEventListener("click", () => {
        const first = by === "client" ? "ascending" : "descending";
        const other = by === "client" ? "descending" : "ascending";
        const order = head.getAttribute("aria-sort") === first ? other : first;
        for (const one of heads) one.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", order);
        const keyed = [...body.rows].map((row) => [key(row), row]);
        keyed.sort(([a], [b]) => a === null || b === null
          ? (a === null) - (b === null) : (order === "ascending" ? 1 : -1) * compare(a, b));
        body.append(...keyed.map(([, row]) => row));
      });
    }
  }
})();
