// The overview and the pages of workflows: what goes on follows the events, the numbers are asked for again.
(function () {
  "use strict";
  var lake = window.runlake, REPORT_EVERY_MS = 20000;

  var panel = document.getElementById("now");
  var renewNow = lake.calmly(1500, function () {
    return lake.fetched(location.href, "now").then(function (made) {
      var next = made && made.getElementById("now");
      if (next) lake.renew(panel, next);
    });
  });

  // Sorted columns and unfolded lists are the reader's: they are as they were in the new numbers too.
  function asReader(root) {
    var sorted = [], unfolded = [];
    root.querySelectorAll("table[data-sortable]").forEach(function (table, at) {
      table.querySelectorAll("th[aria-sort]").forEach(function (head) { sorted.push([at, head.cellIndex, head.getAttribute("aria-sort")]); });
    });
    root.querySelectorAll("[data-shown]").forEach(function (list, at) { unfolded[at] = !("folded" in list.dataset); });
    return function () {
      root.querySelectorAll("[data-shown]").forEach(function (list, at) {
        var more = (list.tagName === "TABLE" ? list.parentElement : list).nextElementSibling;
        if (unfolded[at] && more && more.classList.contains("more")) { delete list.dataset.folded; more.remove(); }
      });
      sorted.forEach(function (one) {
        var table = root.querySelectorAll("table[data-sortable]")[one[0]];
        var head = table && table.tHead.rows[0].cells[one[1]], button = head && head.querySelector("button");
        for (var turn = 0; button && turn < 2 && head.getAttribute("aria-sort") !== one[2]; turn++) button.click();
      });
    };
  }

  var report = document.getElementById("report");
  var renewReport = lake.calmly(REPORT_EVERY_MS, function () {
    return lake.fetched(location.href).then(function (made) {
      var next = made && made.getElementById("report");
      if (!next) return;
      var again = asReader(report), data = made.getElementById("report-data"), old = document.getElementById("report-data");
      if (!!data !== !!old) { location.reload(); return; } // the first record came: the page needs the charts' library
      var done = lake.renew(report, next, function (root) {
        // Charts stay the same elements, so that they change instead of being drawn anew.
        root.querySelectorAll(".plot[id]").forEach(function (plot) {
          var drawn = document.getElementById(plot.id);
          if (!drawn) return;
          if (drawn.removeAllListeners) drawn.removeAllListeners("plotly_click"); // they are of the old numbers
          plot.replaceWith(drawn);
        });
      });
      if (!done) return;
      if (data) old.textContent = data.textContent;
      window.runlakeReport.start();
      again();
    });
  });

  function look() {
    if (document.hidden) return;
    if (panel) renewNow();
    renewReport();
  }
  setInterval(look, 60000);
  if (panel) lake.listen(panel.dataset.events, function (event) { if (event.type !== "node.completed") look(); }, look);

  // Whoever sits in another time zone than the page gets theirs with one press.
  var mine = Intl.DateTimeFormat().resolvedOptions().timeZone, zone = document.getElementById("c-zone");
  if (mine && zone && mine !== zone.value) {
    var button = document.createElement("button");
    button.type = "submit";
    button.className = "button quiet";
    button.textContent = "Use mine: " + mine;
    button.addEventListener("click", function () { zone.value = mine; });
    zone.form.appendChild(button);
  }
})();
