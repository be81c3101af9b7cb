"use strict";
(function () {
  const all = (selector, root) => Array.from((root || document).querySelectorAll(selector));

  // Sorting: a button in each heading that has a kind; values stand on the cells.
  function value(row, place, numbers) {
    const text = row.cells[place].dataset.value || "";
    if (!numbers) return text;
    return text === "" ? NaN : Number(text);
  }
  function sort(table, heading, numbers) {
    const up = heading.getAttribute("aria-sort") === (numbers ? "descending" : "none") ||
      (!heading.hasAttribute("aria-sort") && heading.dataset.sort === "up");
    all("th[aria-sort]", table).forEach((other) => other.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const sign = up ? 1 : -1;
    const order = (first, second) => {
      const one = value(first, heading.cellIndex, numbers);
      const two = value(second, heading.cellIndex, numbers);
      if (!numbers) return sign * (one < two ? -1 : one > two ? 1 : 0);
      if (Number.isNaN(one) || Number.isNaN(two)) return Number.isNaN(one) - Number.isNaN(two);
      return sign * (one - two);
    };
    const body = table.tBodies[0];
    Array.from(body.rows).sort(order).forEach((row) => body.append(row));
  }
  all("table.sortable").forEach((table) => {
    all("thead th[data-sort]", table).forEach((heading) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      button.addEventListener("click", () => sort(table, heading, heading.dataset.kind !== "text"));
    });
  });

  // Filters: rows carry their division, kind and tier; references always stay.
  const filters = all("select[data-filter]");
  function filter() {
    let left = 0;
    all("tr[data-division]").forEach((row) => {
      const fits = filters.every((one) => one.value === "" || row.dataset[one.dataset.filter] === one.value);
      row.hidden = !fits && row.dataset.stays === undefined;
      left += row.dataset.stays === undefined && fits;
    });
    const told = document.getElementById("told");
    if (told) told.textContent = left === 1 ? "1 entry shown" : left + " entries shown";
  }
  filters.forEach((one) => one.addEventListener("change", filter));

  // Choosing entries to compare: on the board as boxes, on the other page as its address' end.
  const MOST = 6;
  const go = document.getElementById("go");
  function box(id, label) {
    const input = document.createElement("input");
    input.type = "checkbox";
    input.value = id;
    if (label) input.setAttribute("aria-label", "compare " + label);
    return input;
  }
  function chosen(boxes) {
    const found = boxes.filter((one) => one.checked).map((one) => one.value);
    const unique = Array.from(new Set(found));
    boxes.forEach((one) => { one.disabled = unique.length >= MOST && !unique.includes(one.value); });
    return unique;
  }
  if (go) {
    const boxes = all("tr[data-id]").map((row) => {
      const input = box(row.dataset.id, row.dataset.id);
      row.cells[0].prepend(input);
      return input;
    });
    const update = () => {
      const ids = chosen(boxes);
      go.textContent = ids.length < 2 ? "Tick 2 to 6 entries to compare them" : "Compare " + ids.length + " entries";
      if (ids.length < 2) { go.removeAttribute("href"); go.setAttribute("aria-disabled", "true"); }
      else { go.href = "compare.html#" + ids.map(encodeURIComponent).join(","); go.removeAttribute("aria-disabled"); }
    };
    boxes.forEach((one) => one.addEventListener("change", update));
    update();
  }
  const picks = document.getElementById("picks");
  if (picks) {
    const boxes = all("tr[data-entry]").map((row) => {
      const input = box(row.dataset.entry);
      const label = document.createElement("label");
      label.append(input, row.cells[0].dataset.value);
      picks.append(label);
      return input;
    });
    const show = (ids) => {
      const some = ids.length >= 2;
      all("tr[data-entry]").forEach((row) => { row.hidden = some && !ids.includes(row.dataset.entry); });
      all("tr[data-first]").forEach((row) => {
        row.hidden = some && !(ids.includes(row.dataset.first) && ids.includes(row.dataset.second));
      });
    };
    const read = () => {
      const ids = location.hash.slice(1).split(",").map((one) => {
        try { return decodeURIComponent(one); } catch (error) { return ""; }
      });
      boxes.forEach((one) => { one.checked = ids.indexOf(one.value) >= 0 && ids.indexOf(one.value) < MOST; });
      show(chosen(boxes));
    };
    boxes.forEach((one) => one.addEventListener("change", () => {
      const ids = chosen(boxes);
      history.replaceState(null, "", "#" + ids.map(encodeURIComponent).join(","));
      show(ids);
    }));
    addEventListener("hashchange", read);
    read();
  }

  // A week, step by step.
  const data = document.getElementById("week");
  if (data) {
    const week = JSON.parse(data.textContent);
    const names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    const picture = document.querySelector("svg.week");
    const line = picture.querySelector(".cursor");
    const slider = document.getElementById("step");
    const output = document.getElementById("reading");
    const count = week.curves[0].values.length;
    const two = (number) => String(number).padStart(2, "0");
    const read = () => {
      const step = Number(slider.value);
      const minute = Math.round(1440 * (step % week.steps_per_day) / week.steps_per_day);
      const day = names[(week.first_day + Math.floor(step / week.steps_per_day)) % 7];
      const place = week.left + week.width * (step + 0.5) / count;
      line.setAttribute("x1", place);
      line.setAttribute("x2", place);
      picture.classList.add("live");
      const told = week.curves.map((one) => one.name + " " + (one.values[step] === null ? "\u2013" : String(one.values[step]).replace("-", "\u2212")));
      output.textContent = day + " " + two(Math.floor(minute / 60)) + ":" + two(minute % 60) + " \u00b7 " + told.join(" \u00b7 ");
    };
    slider.max = count - 1;
    slider.addEventListener("input", read);
    slider.closest(".reader").hidden = false;
    picture.addEventListener("click", (event) => {
      const box = picture.getBoundingClientRect();
      const x = 1000 * (event.clientX - box.left) / box.width;
      slider.value = Math.max(0, Math.min(count - 1, Math.floor(count * (x - week.left) / week.width)));
      read();
    });
    read();
  }
  all(".tools").forEach((one) => { one.hidden = false; });
})();
