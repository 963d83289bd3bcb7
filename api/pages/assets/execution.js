// One execution: data of nodes when they are opened, what can be done about it, and growth while it runs.
(function () {
  "use strict";
  var lake = window.runlake, head = document.getElementById("head"), api = head.dataset.api, id = head.dataset.id;

  // ---- Inputs and outputs, asked for when somebody opens a node
  var known = {};
  function dataUrl(node, run) {
    var more = run === undefined ? "" : "?runIndex=" + run;
    if (node.indexOf("/") >= 0) return api + "/data?nodeId=" + encodeURIComponent(node);
    return api + "/nodes/" + encodeURIComponent(node) + "/data" + more;
  }
  function block(title, value) {
    var box = document.createElement("section"), name = document.createElement("h3"), text = document.createElement("pre");
    var items = Array.isArray(value) ? value.length : null;
    name.textContent = title + (items === null ? "" : " \u00b7 " + lake.count(items) + (items === 1 ? " item" : " items"));
    text.className = "scroll json";
    text.tabIndex = 0;
    text.setAttribute("aria-label", title);
    var shown = JSON.stringify(value, null, 2), most = 100000;
    text.textContent = shown.length > most ? shown.slice(0, most) : shown;
    box.append(name, text);
    if (shown.length > most) {
      var note = document.createElement("p");
      note.className = "small";
      note.textContent = "The first " + lake.count(most) + " of " + lake.count(shown.length) + " characters; all of it by the link below.";
      box.append(note);
    }
    return box;
  }
  function words(found) {
    if (found.unavailable && found.unavailable.data) {
      return found.unavailable.data === "expired" ? "Dropped: older than the lake keeps them." : "Not stored on this server.";
    }
    return "";
  }
  function show(target, node, run, found) {
    var link = document.createElement("a"), small = document.createElement("p"), grid = document.createElement("div");
    link.href = dataUrl(node, run);
    link.textContent = "As JSON";
    small.className = "small";
    small.append(link);
    grid.className = "inout";
    var missing = words(found), of = run === undefined ? "" : " of run " + run;
    if (found.nodes) found = found.nodes[node] || { input: [], output: [] };
    if (missing) small.prepend(missing + " ");
    else grid.append(block("Input" + of, found.input), block("Output" + of, found.output));
    target.replaceChildren(grid, small);
  }
  function load(lane, run) {
    var node = lane.dataset.node, key = node + "\u0000" + run + "\u0000" + lane.dataset.state;
    var target = lane.querySelector(".data");
    target.dataset.shown = String(run);
    if (known[key]) { show(target, node, run, known[key]); return; }
    target.setAttribute("aria-busy", "true");
    fetch(dataUrl(node, run)).then(function (answer) {
      return answer.json().then(function (found) {
        if (!answer.ok) throw new Error(found.error.message);
        return found;
      });
    }).then(function (found) {
      known[key] = found;
      if (target.dataset.shown === String(run)) show(target, node, run, found);
    }).catch(function (error) {
      var said = document.createElement("p");
      said.className = "note bad";
      said.textContent = "Could not be loaded: " + error.message;
      target.replaceChildren(said);
    }).finally(function () { target.removeAttribute("aria-busy"); });
  }
  document.addEventListener("toggle", function (event) {
    var lane = event.target;
    if (lane.classList && lane.classList.contains("lane") && lane.open && !lane.querySelector(".data").dataset.shown) load(lane);
  }, true);
  document.addEventListener("click", function (event) {
    var link = event.target.closest && event.target.closest("a[data-run]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    load(link.closest(".lane"), Number(link.dataset.run));
  });
  function openNamed() {
    var lane = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!lane) lane = location.hash && document.getElementById(location.hash.slice(1));
    if (lane && lane.classList.contains("lane")) { lane.open = true; lane.scrollIntoView({ block: "nearest" }); }
  }
  window.addEventListener("hashchange", openNamed);

  // ---- What can be done about it
  var ask = document.getElementById("ask"), gone = false;
  var TEXTS = {
    cancel: ["Cancel this execution?", "What has run stays as it is; the engine is told to stop.", "Cancel it"],
    retry: ["Retry this execution?", "A new execution is queued for the engine. This one stays as it is.", "Retry"],
    "delete": ["Delete this execution?", "Its record, data and log go, for everybody. This cannot be undone.", "Delete it"]
  };
  function enable() {
    document.querySelectorAll(".actions[hidden]").forEach(function (one) { one.hidden = false; });
  }
  function askFor(what, from, name) {
    var texts = TEXTS[what], yes = document.getElementById("ask-yes"), key = crypto.randomUUID ? crypto.randomUUID() : String(Math.random()).slice(2);
    var problem = document.getElementById("ask-problem");
    lake.say(document.getElementById("ask-title"), from ? "Retry from " + name + "?" : texts[0]);
    lake.say(document.getElementById("ask-text"), texts[1]);
    lake.say(yes, texts[2]);
    yes.classList.toggle("danger", what !== "retry");
    yes.disabled = false;
    problem.hidden = true;
    yes.onclick = function () {
      yes.disabled = true;
      send(what, from, key).catch(function (error) {
        problem.textContent = error.message;
        problem.hidden = false;
        yes.disabled = false;
      });
    };
    ask.showModal();
  }
  function send(what, from, key) {
    if (what === "delete") gone = true;
    var options = { method: what === "delete" ? "DELETE" : "POST", headers: { "Idempotency-Key": key } };
    if (what === "retry" && from) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify({ fromNode: from });
    }
    return fetch(what === "delete" ? api : api + "/" + what, options).then(function (answer) {
      if (answer.status === 204) return {};
      return answer.json().then(function (found) {
        if (!answer.ok) { gone = false; throw new Error(found.error.message); }
        return found;
      });
    }).then(function (found) {
      if (what === "delete") {
        lake.noticeThere("The execution " + id + " was deleted");
        location.assign("/executions");
      } else if (what === "retry") {
        lake.noticeThere("Retry " + (found.status === "running" ? "is running" : "is queued; the engine has not taken it yet"));
        location.assign("/executions/" + encodeURIComponent(found.executionId));
      } else {
        ask.close();
        lake.notice("Cancelled", "good");
        look();
      }
    });
  }
  document.addEventListener("click", function (event) {
    var button = event.target.closest && event.target.closest("[data-do]");
    if (button && ask) askFor(button.dataset.do, button.dataset.from, button.dataset.name);
  });

  // ---- Growth: bars of what runs become longer; at the end of the axis the server draws a longer one
  function grow() {
    var line = document.getElementById("timeline"), axis = Number(line.dataset.axis);
    if (head.dataset.status !== "running" || !axis) return;
    var s = (lake.now() - Date.parse(line.dataset.begin)) / 1000;
    if (s > axis) { look(); return; }
    line.querySelectorAll("rect[data-start]").forEach(function (bar) {
      bar.setAttribute("width", Math.max(100 * (s - Number(bar.dataset.start)) / axis, 0) + "%");
    });
  }

  var look = lake.calmly(700, function () {
    if (gone) return null;
    return lake.fetched(location.pathname + location.search).then(function (made) {
      if (!made) return;
      var before = head.dataset.status;
      lake.renewParts(made);
      enable();
      document.querySelectorAll(".lane[open]").forEach(function (lane) { if (!lane.querySelector(".data").dataset.shown) load(lane); });
      if (head.dataset.status !== before) {
        document.title = made.title;
        lake.notice("It is now: " + head.querySelector(".chip").textContent.trim());
      }
      grow();
    });
  });
  setInterval(grow, matchMedia("(prefers-reduced-motion: reduce)").matches ? 2000 : 200);
  lake.listen("/v1/executions/events?channels=execution:" + encodeURIComponent(id), function (event) {
    if (event.type !== "execution.deleted") { look(); return; }
    if (gone) return;
    gone = true;
    document.querySelectorAll(".actions").forEach(function (one) { one.hidden = true; });
    lake.notice("This execution was deleted; what is shown is how it was");
  }, look);
  enable();
  openNamed();
  grow();
})();
