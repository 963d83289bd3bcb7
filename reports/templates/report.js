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
  var STATUSES = ["failed", "timeout", "cancelled", "success", "running", "queued"];
  function draw() {
    specs.forEach(function (item) {
      dress(item.spec);
      window.Plotly.react(item.node, item.spec.data, item.spec.layout, {
        displayModeBar: false, responsive: true, displaylogo: false, showTips: false, doubleClick: false
      });
    });
  }

  function listOf(data, index) {
    var address = new URL(data.list, window.location.href);
    address.searchParams.set("filter[startDate]", data.ends[index]);
    address.searchParams.set("filter[endDate]", data.ends[index + 1]);
    return address;
  }

  // A click on a step leads to the executions that it counts; the table below has the same links for the keyboard.
  function follow(node, data) {
    node.on("plotly_click", function (event) {
      var point = event.points[0], address = listOf(data, point.pointIndex);
      // The label of a step names all its bars: then the click means the step, not its first bar.
      if (event.points.length === 1 && STATUSES.indexOf(point.data.meta) >= 0) address.searchParams.set("filter[status]", point.data.meta);
      window.location.assign(address.href);
    });
    node.classList.add("leads");
  }

  function numbers(table, spec, data) {
    var head = table.createTHead().insertRow(), body = table.createTBody();
    function cell(row, kind, text) {
      var made = document.createElement(kind);
      made.textContent = text;
      if (kind === "th") made.scope = row === head ? "col" : "row";
      return row.appendChild(made);
    }
    cell(head, "th", data.granularity);
    spec.data.forEach(function (trace) { cell(head, "th", trace.name); });
    data.steps.forEach(function (step, index) {
      var row = body.insertRow(), name = cell(row, "th", "");
      if (data.list) {
        var link = document.createElement("a");
        link.className = "count";
        link.href = listOf(data, index).href;
        link.textContent = step;
        name.appendChild(link);
      } else name.textContent = step;
      spec.data.forEach(function (trace) { cell(row, "td", trace.customdata[index] || (trace.type === "bar" ? "0" : "–")); });
    });
  }

  function fillTables(data) {
    document.querySelectorAll("table[data-from]").forEach(function (table) {
      var details = table.closest("details");
      details.addEventListener("toggle", function () {
        if (details.open && !table.rows.length) numbers(table, data.figures[table.dataset.from], data);
      });
    });
  }

  function figures() {
    var source = document.getElementById("report-data");
    specs = [];
    if (!window.Plotly || !source) return;
    var data = JSON.parse(source.textContent);
    Object.keys(data.figures).forEach(function (key) {
      var node = document.getElementById("plot-" + key);
      if (!node) return;
      var spec = data.figures[key];
      spec.data.forEach(function (trace) { trace.x = data.steps; });
      specs.push({ node: node, spec: spec });
    });
    draw();
    fillTables(data);
    if (data.list) specs.forEach(function (item) { follow(item.node, data); });
  }

  dark.addEventListener("change", draw);
  narrow.addEventListener("change", draw);
  window.addEventListener("beforeprint", function () { document.documentElement.dataset.print = ""; draw(); });
  window.addEventListener("afterprint", function () { delete document.documentElement.dataset.print; draw(); });

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

  function tables() {
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
  }

  // For pages that put another report in the place of this one.
  window.runlakeReport = { start: function () { figures(); tables(); } };
  window.runlakeReport.start();
})();
