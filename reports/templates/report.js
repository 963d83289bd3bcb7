// Draws the figures, colours them for light or dark, sorts and unfolds tables. Everything else works without it.
(function () {
  "use strict";
  var dark = window.matchMedia("(prefers-color-scheme: dark)");
  var narrow = window.matchMedia("(max-width: 640px)");

  function token(name) {
    return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
  }

  function dress(spec) {
    spec.data.forEach(function (trace) {
      var colour = token("series-" + trace.meta);
      if (trace.marker) trace.marker.color = colour;
      if (trace.line) trace.line.color = colour;
    });
    (spec.layout.shapes || []).forEach(function (shape) { shape.fillcolor = token("series-" + shape.name); });
    var layout = spec.layout;
    layout.font = { family: token("sans"), size: 12, color: token("soft") };
    layout.xaxis.linecolor = layout.xaxis.tickcolor = token("line");
    layout.xaxis.showline = true;
    layout.xaxis.spikecolor = token("faint");
    layout.yaxis.gridcolor = token("grid");
    layout.hoverlabel = {
      bgcolor: token("card"), bordercolor: token("line"),
      font: { family: token("sans"), size: 13, color: token("ink") }
    };
    if (!spec.wide) spec.wide = { tickvals: layout.xaxis.tickvals, ticktext: layout.xaxis.ticktext };
    var ticks = narrow.matches ? spec.narrow : spec.wide;
    layout.xaxis.tickvals = ticks.tickvals;
    layout.xaxis.ticktext = ticks.ticktext;
    return spec;
  }

  var specs = [];
  function draw() {
    specs.forEach(function (item) {
      dress(item.spec);
      window.Plotly.react(item.node, item.spec.data, item.spec.layout, {
        displayModeBar: false, responsive: true, displaylogo: false, showTips: false, doubleClick: false
      });
    });
  }

  if (window.Plotly) {
    var steps = JSON.parse(document.getElementById("steps").textContent);
    document.querySelectorAll("script[data-figure]").forEach(function (source) {
      var node = document.getElementById("plot-" + source.dataset.figure);
      if (!node) return;
      var spec = JSON.parse(source.textContent);
      spec.data.forEach(function (trace) { trace.x = steps; });
      specs.push({ node: node, spec: spec });
    });
    draw();
    dark.addEventListener("change", draw);
    narrow.addEventListener("change", draw);
    window.addEventListener("beforeprint", function () { document.documentElement.dataset.print = ""; draw(); });
    window.addEventListener("afterprint", function () { delete document.documentElement.dataset.print; draw(); });
  }

  function value(cell) {
    return "v" in cell.dataset ? cell.dataset.v : cell.querySelector(".clip").textContent.trim();
  }

  function sortBy(table, column, direction) {
    var body = table.tBodies[0];
    var rows = Array.prototype.slice.call(body.rows);
    rows.sort(function (a, b) {
      var x = value(a.cells[column]), y = value(b.cells[column]);
      if (x === "" || y === "") return x === y ? 0 : x === "" ? 1 : -1; // what is missing stays last
      var order = isNaN(x) || isNaN(y) ? x.localeCompare(y) : Number(x) - Number(y);
      return direction === "ascending" ? order : -order;
    });
    rows.forEach(function (row, index) {
      row.classList.toggle("extra", index >= Number(table.dataset.shown || rows.length));
      body.appendChild(row);
    });
  }

  document.querySelectorAll("table[data-sortable]").forEach(function (table) {
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      var label = head.dataset.sort;
      if (!label) return;
      var button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        var now = head.getAttribute("aria-sort");
        var next = now === "descending" ? "ascending" : now === "ascending" ? "descending"
          : label === "text" ? "ascending" : "descending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", next);
        sortBy(table, column, next);
      });
    });
  });

  document.querySelectorAll("[data-shown]").forEach(function (list) {
    if (!list.querySelector(".extra")) return;
    list.dataset.folded = "";
    var more = document.createElement("button");
    more.type = "button";
    more.className = "more";
    more.textContent = list.dataset.more;
    more.addEventListener("click", function () {
      delete list.dataset.folded;
      var first = list.querySelector(".extra");
      first.tabIndex = -1; // reading goes on where the list grew
      first.focus({ preventScroll: true });
      more.remove();
    });
    (list.tagName === "TABLE" ? list.parentElement : list).after(more);
  });
})();
