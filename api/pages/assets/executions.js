// The list: rows that change are renewed where they are; new ones are announced, so that nothing moves under the reader.
(function () {
  "use strict";
  var lake = window.runlake, tally = document.getElementById("tally"), fresh = document.getElementById("fresh");
  var changed = new Set();

  // Two fields belong together: an instant means that the period is between two instants.
  var range = document.getElementById("f-range"), dates = ["f-start", "f-end"].map(function (id) { return document.getElementById(id); });
  dates.forEach(function (field) {
    field.addEventListener("input", function () { if (field.value) range.value = "custom"; });
  });
  range.addEventListener("change", function () {
    if (range.value !== "custom") dates.forEach(function (field) { field.value = ""; });
    else if (!dates[0].value) { document.querySelector("#filters .more").open = true; dates[0].focus(); }
  });

  var renewRows = lake.calmly(1000, function () {
    var ids = Array.from(changed);
    changed.clear();
    return Promise.all(ids.map(function (id) {
      return lake.fetched("/executions/" + encodeURIComponent(id), "row").then(function (made) {
        var old = document.getElementById("row-" + id), next = made && made.querySelector("li.row");
        if (old && next) lake.renew(old, next);
      }, function () {});
    }));
  });

  var countAgain = lake.calmly(3000, function () {
    if (!tally.dataset.live) return null;
    return fetch(tally.dataset.live, { cache: "no-store" }).then(function (answer) { return answer.json(); }).then(function (found) {
      var first = document.querySelector("#rows li"), newest = found.data[0];
      var more = found.pagination.total - Number(tally.dataset.total);
      if (!newest || (first && newest.id === first.dataset.id)) { fresh.hidden = true; return; }
      lake.say(fresh, more > 0 ? "Show " + lake.count(more) + " new" : "Show what is new");
      fresh.hidden = false;
    });
  });

  lake.listen("/v1/executions/events?channels=executions", function (event) {
    var row = event.executionId && document.getElementById("row-" + event.executionId);
    if (row && event.type === "execution.deleted") row.classList.add("gone");
    else if (row && !row.classList.contains("gone")) { changed.add(event.executionId); renewRows(); }
    if (event.type !== "node.completed") countAgain();
  }, function () {
    document.querySelectorAll('#rows li[data-status="running"]:not(.gone), #rows li[data-status="queued"]:not(.gone)').forEach(function (row) {
      changed.add(row.dataset.id);
    });
    if (changed.size) renewRows();
    countAgain();
  });
})();
