"use strict";
// Everything is put in as text (textContent), never as markup: names and notes come from outside.
(() => {
  const D = JSON.parse(document.getElementById("data").textContent);
  const W = D.words;
  // Rows in a page of a table, cards at a time, and rows that are printed: a browser lays out thousands for minutes.
  const PAGE = 50, QUEUE = 12, PRINT = 1000, PRINT_QUEUE = 200;
  const C = {
    number: 0, time: 1, name: 2, part: 3, lot: 4, serial: 5, station: 6, verdict: 7, final: 8, defects: 9,
    description: 10, reasons: 11, findings: 12, familiarity: 13, confidence: 14, past: 15, said: 16, sha: 17,
  };
  const RANK = { REVIEW: 0, FAIL: 1, RETAKE: 2, PASS: 3 };

  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
  // What was not a number when it was computed is null here.
  const fixed = (number, digits) => (number === null ? "–" : number.toFixed(digits));
  const count = (number) => number.toLocaleString("en-US");

  function el(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "class") made.className = value;
      else if (name in made && typeof value !== "string") made[name] = value;
      else made.setAttribute(name, value);
    }
    for (const child of children.flat()) if (child !== null && child !== undefined) made.append(child);
    return made;
  }

  function badge(verdict) {
    const space = "http://www.w3.org/2000/svg";
    const mark = document.createElementNS(space, "svg");
    const use = document.createElementNS(space, "use");
    mark.setAttribute("aria-hidden", "true");
    use.setAttribute("href", "#mark-" + verdict);
    mark.append(use);
    return el("span", { class: "badge v-" + verdict }, mark, W.verdict[verdict]);
  }

  function picture(sha, alt) {
    const source = D.pictures[sha];
    if (!source) return el("div", { class: "absent" }, W.evidence.no_photo);
    return el("img", { class: "photo", src: source, alt: alt, decoding: "async" });
  }

  const placed = ([defect, place]) =>
    el("span", { class: "defects" }, defect, place ? el("small", {}, place) : null);

  function saying([decision, , operator, time, reason]) {
    const text = fill(W.table.by, { decision: W.decision[decision], operator: operator || "–", time: time });
    return el("p", { class: "soft" }, text + (reason ? ": " + reason : ""));
  }

  function evidence(row, titled) {
    const past = row[C.past].map(([place, similarity]) => {
      const [sha, name, record] = D.past[place];
      const close = fill(W.evidence.similarity, { value: fixed(similarity, 3) });
      return el("li", {}, picture(sha, name), el("div", { class: "soft" }, close), el("div", {}, record || name));
    });
    const where = [row[C.part], row[C.lot] && W.table.lot + " " + row[C.lot], row[C.serial], row[C.time]];
    const phrases = row[C.findings].map(([phrase, grounding, confidence]) => el("li", {}, phrase + "  ",
      el("small", {}, `${W.table.grounding} ${fixed(grounding, 2)}, ${W.table.confidence} ${fixed(confidence, 2)}`)));
    const body = el("div", { class: "body" },
      titled ? el("p", { class: "title" }, el("strong", {}, row[C.name]), badge(row[C.final])) : null,
      el("p", { class: "soft" }, where.filter(Boolean).join(" · ")),
      el("p", {}, row[C.description]),
      phrases.length ? el("ul", { class: "phrases" }, phrases) : null,
      el("ul", { class: "why" }, row[C.reasons].map((reason) => el("li", {}, reason))),
      row[C.said].map(saying),
      el("h4", {}, W.evidence.past),
      past.length ? el("ul", { class: "past" }, past) : el("p", { class: "soft" }, W.evidence.no_past));
    return el("article", { class: "card" }, picture(row[C.sha], row[C.name]), body);
  }

  // A table of any length: only one page of rows is in the document, more of them while it is printed.
  function table(host, columns, rows, options) {
    if (!host || !rows.length) return;
    let shown = rows, page = 0, sorted = null, upward = true;
    const head = el("tr", {}), body = el("tbody", {}), place = el("span", { "aria-live": "polite" });
    const back = el("button", { type: "button" }, W.page.previous), on = el("button", { type: "button" }, W.page.next);
    const pager = el("div", { class: "pager" }, place, back, on), note = el("p", { class: "note", hidden: true });
    columns.forEach((column) => {
      const sort = el("button", { type: "button", class: "sort", title: fill(W.page.sort, { column: column.label }) },
        column.label);
      const cell = el("th", { scope: "col", class: column.class || "" }, sort);
      sort.addEventListener("click", () => {
        upward = sorted === column ? !upward : true;
        sorted = column;
        head.querySelectorAll("th").forEach((other) => other.removeAttribute("aria-sort"));
        cell.setAttribute("aria-sort", upward ? "ascending" : "descending");
        show(0);
      });
      head.append(cell);
    });

    function ordered() {
      if (!sorted) return shown;
      const key = sorted.key, way = upward ? 1 : -1;
      return [...shown].sort((a, b) => {
        const x = key(a), y = key(b);
        return way * (typeof x === "number" ? x - y : String(x).localeCompare(String(y), undefined, { numeric: true }));
      });
    }

    function line(row) {
      const made = el("tr", { class: "row" }, columns.map((column) =>
        el("td", { class: column.class || "" }, column.cell(row))));
      const opener = options.detail && made.querySelector(".open");
      if (!opener) return [made];
      const below = el("tr", { hidden: true }, el("td", { class: "detail", colSpan: columns.length }));
      opener.addEventListener("click", () => {
        below.hidden = !below.hidden;
        opener.setAttribute("aria-expanded", String(!below.hidden));
        if (!below.hidden && !below.firstChild.firstChild) below.firstChild.append(options.detail(row));
      });
      return [made, below];
    }

    function show(number) {
      const all = ordered(), pages = Math.max(1, Math.ceil(all.length / PAGE));
      page = Math.min(Math.max(number, 0), pages - 1);
      const first = page * PAGE, some = all.slice(first, first + PAGE);
      body.replaceChildren(...(some.length ? some.flatMap(line)
        : [el("tr", {}, el("td", { colSpan: columns.length, class: "soft" }, W.page.no_match))]));
      place.textContent = all.length
        ? fill(W.page.place, { first: count(first + 1), last: count(first + some.length), n: count(all.length) }) : "";
      back.disabled = page === 0;
      on.disabled = page >= pages - 1;
      pager.hidden = pages < 2;
      if (options.counted) options.counted(all.length);
    }

    back.addEventListener("click", () => show(page - 1));
    on.addEventListener("click", () => show(page + 1));
    addEventListener("beforeprint", () => {
      const open = new Set([...body.querySelectorAll("[aria-expanded=true]")].map((button) => button.dataset.number));
      const all = ordered();
      note.hidden = all.length <= PRINT;
      note.textContent = fill(W.page.printed, { shown: count(PRINT), n: count(all.length) });
      body.replaceChildren(...all.slice(0, PRINT).flatMap((row) => {
        const lines = line(row);
        if (lines.length > 1 && open.has(String(row[0]))) lines[0].querySelector(".open").click();
        return lines.filter((one) => !one.hidden);
      }));
    });
    addEventListener("afterprint", () => { note.hidden = true; show(page); });
    host.append(note, el("div", { class: "scroll" },
      el("table", { class: "data", "aria-labelledby": host.id + "-h" }, el("thead", {}, head), body)), pager);
    show(0);
    return { narrow(kept) { shown = rows.filter(kept); show(0); } };
  }

  function choice(label, any, values) {
    return el("select", { "aria-label": label }, el("option", { value: "" }, any),
      values.map(([value, text]) => el("option", { value: value }, text)));
  }

  function photos() {
    const host = document.getElementById("photos");
    if (!host || !D.photos.length) return;
    const distinct = (values) => [...new Set(values)].filter(Boolean)
      .sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).map((value) => [value, value]);
    const search = el("input", { type: "search", placeholder: W.page.search, "aria-label": W.page.search });
    const verdict = choice(W.page.verdict, W.page.any_verdict, Object.entries(W.verdict));
    const defect = choice(W.page.defect, W.page.any_defect, distinct(D.photos.flatMap((r) => r[C.defects].map((d) => d[0]))));
    const lot = choice(W.page.lot, W.page.any_lot, distinct(D.photos.map((r) => r[C.lot])));
    const reset = el("button", { type: "button" }, W.page.reset), shown = el("span", { class: "shown", "aria-live": "polite" });
    host.append(el("div", { class: "tools" }, search, verdict, defect, lot, reset, shown));
    const text = new Map();
    const words = (row) => {
      if (!text.has(row)) text.set(row, [row[C.name], row[C.part], row[C.lot], row[C.serial], row[C.description], row[C.defects].flat().join(" "), row[C.reasons].join(" ")].join(" ").toLowerCase());
      return text.get(row);
    };
    const made = table(host, [
      { label: W.table.row, class: "n", key: (r) => r[C.number], cell: (r) => count(r[C.number]) },
      { label: W.table.time, class: "time", key: (r) => r[C.time], cell: (r) => r[C.time] },
      { label: W.table.photo, key: (r) => r[C.name], cell: (r) => el("button", { type: "button", class: "open", "aria-expanded": "false", title: W.evidence.open, "data-number": String(r[C.number]) }, r[C.name]) },
      { label: W.table.part, key: (r) => r[C.part], cell: (r) => r[C.part] },
      { label: W.table.lot, key: (r) => r[C.lot], cell: (r) => r[C.lot] },
      { label: W.table.serial, key: (r) => r[C.serial], cell: (r) => r[C.serial] },
      { label: W.table.final, key: (r) => RANK[r[C.final]], cell: (r) => [badge(r[C.final]), r[C.said].length && r[C.final] !== r[C.verdict] ? el("span", { class: "was" }, fill(W.table.was, { verdict: W.verdict[r[C.verdict]] })) : null] },
      { label: W.table.defects, key: (r) => r[C.defects].map((d) => d[0]).join(), cell: (r) => r[C.defects].map(placed) },
      { label: W.table.familiarity, class: "n", key: (r) => r[C.familiarity], cell: (r) => fixed(r[C.familiarity], 2) },
      { label: W.table.confidence, class: "n", key: (r) => r[C.confidence], cell: (r) => fixed(r[C.confidence], 2) },
    ], D.photos, {
      detail: (row) => evidence(row, false),
      counted: (number) => { shown.textContent = fill(W.page.shown, { shown: count(number), n: count(D.photos.length) }); },
    });
    const narrow = () => {
      const sought = search.value.trim().toLowerCase();
      made.narrow((r) => (!verdict.value || r[C.final] === verdict.value) && (!lot.value || r[C.lot] === lot.value)
        && (!defect.value || r[C.defects].some((d) => d[0] === defect.value)) && (!sought || words(r).includes(sought)));
    };
    let waiting = 0;
    search.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(narrow, 120); });
    [verdict, defect, lot].forEach((one) => one.addEventListener("change", narrow));
    reset.addEventListener("click", () => { search.value = verdict.value = defect.value = lot.value = ""; narrow(); });
  }

  function queue() {
    const host = document.getElementById("queue");
    if (!host) return;
    const waiting = D.photos.filter((row) => row[C.final] === "REVIEW").reverse();
    let shown = 0;
    const more = el("button", { type: "button", class: "more" });
    const next = () => {
      waiting.slice(shown, shown + QUEUE).forEach((row) => host.insertBefore(evidence(row, true), more));
      shown = Math.min(shown + QUEUE, waiting.length);
      more.hidden = shown >= waiting.length;
      more.textContent = `${W.page.next} (${count(waiting.length - shown)})`;
    };
    more.addEventListener("click", next);
    const note = el("p", { class: "note", hidden: true });
    // On paper nobody can ask for more.
    addEventListener("beforeprint", () => {
      while (shown < Math.min(waiting.length, PRINT_QUEUE)) next();
      note.hidden = shown >= waiting.length;
      note.textContent = fill(W.page.printed, { shown: count(shown), n: count(waiting.length) });
    });
    addEventListener("afterprint", () => { note.hidden = true; });
    host.append(more, note);
    next();
  }

  queue();
  photos();
  if (D.people) {
    const plain = (label, place, kind) => ({ label: label, class: kind || "", key: (r) => r[place], cell: (r) => r[place] });
    table(document.getElementById("people"), [
      plain(W.table.row, 0, "n"), plain(W.table.time, 1, "time"), plain(W.table.photo, 2),
      { label: W.people.original, key: (r) => RANK[r[3]], cell: (r) => badge(r[3]) },
      { label: W.people.final, key: (r) => RANK[r[4]], cell: (r) => badge(r[4]) },
      { label: W.table.decision, key: (r) => r[5], cell: (r) => W.decision[r[5]] },
      plain(W.table.person, 6), plain(W.table.reason, 7),
    ], D.people, {});
    table(document.getElementById("refused"), [
      plain(W.table.row, 0, "n"), plain(W.table.time, 1, "time"), plain(W.table.name, 2), plain(W.table.reason, 3),
    ], D.refused, {});
  }
  document.querySelectorAll("[data-picture]").forEach((host) =>
    host.prepend(picture(host.dataset.picture, host.dataset.alt || "")));
})();
