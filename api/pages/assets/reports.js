// The archive: make a report now, delete one.
(function () {
  "use strict";
  var lake = window.runlake, make = document.getElementById("make"), ask = document.getElementById("ask");

  function asked(url, options) {
    return fetch(url, options).then(function (answer) {
      if (answer.status === 204) return {};
      return answer.json().then(function (found) {
        if (!answer.ok) throw new Error(found.error.message);
        return found;
      });
    });
  }
  function tell(node, error) {
    node.textContent = error.message;
    node.hidden = false;
  }

  make.hidden = false;
  make.addEventListener("submit", function (event) {
    event.preventDefault();
    var button = make.querySelector("button"), problem = document.getElementById("make-problem");
    var body = { period: make.elements.period.value }, workflow = make.elements.workflowId.value;
    if (workflow) { body.kind = "workflow"; body.workflowId = [workflow]; }
    button.disabled = true;
    problem.hidden = true;
    lake.notice("The report is being made");
    asked("/v1/reports", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) })
      .then(function (found) {
        lake.noticeThere("Made: " + found.title);
        location.assign("/reports");
      })
      .catch(function (error) { lake.notice(""); tell(problem, error); button.disabled = false; });
  });

  document.querySelectorAll("[data-delete]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", function () {
      var yes = document.getElementById("ask-yes"), problem = document.getElementById("ask-problem");
      problem.hidden = true;
      yes.disabled = false;
      yes.onclick = function () {
        yes.disabled = true;
        asked("/v1/reports/" + encodeURIComponent(button.dataset.delete), { method: "DELETE" })
          .then(function () {
            lake.noticeThere("The report was deleted");
            location.reload();
          })
          .catch(function (error) { tell(problem, error); yes.disabled = false; });
      };
      ask.showModal();
    });
  });
})();
