// What every page shares: times that go on, a stream of events, parts that are renewed without losing the reader's place.
(function () {
  "use strict";
  var NBSP = "\u00a0", THIN = "\u202f", MISSING = "\u2013";
  var html = document.documentElement;

  // The server's clock counts. A page may have been kept for a minute, so only a larger difference is a wrong clock.
  var behind = Date.parse(html.dataset.now) - Date.now();
  if (!(Math.abs(behind) > 120000)) behind = 0;
  function now() { return Date.now() + behind; }

  function count(value) { return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, THIN); }

  // The same words as on the server: reports/format.py and api/pages/times.py.
  function duration(s) {
    if (!(s >= 0)) return MISSING;
    if (s < 59.5) return (s < 9.95 ? s.toFixed(1) : s.toFixed(0)) + NBSP + "s";
    if (s < 3599.5) return pair(Math.round(s), 60, "min", "s");
    var minutes = Math.round(s / 60);
    if (minutes < 2880) return pair(minutes, 60, "h", "min");
    return pair(Math.round(s / 3600), 24, "d", "h");
  }
  function pair(value, base, large, small) {
    var rest = value % base, head = count(Math.floor(value / base)) + NBSP + large;
    return rest ? head + " " + rest + NBSP + small : head;
  }
  function ago(at) {
    var past = (now() - at) / 1000, size = Math.abs(past);
    if (size < 1) return "just now";
    var step = size < 60 ? [1, "s"] : size < 3600 ? [60, "min"] : size < 172800 ? [3600, "h"] : [86400, "d"];
    var words = count(Math.floor(size / step[0])) + NBSP + step[1];
    return past < 0 ? "in " + words : words + " ago";
  }

  function say(node, text) { if (node.textContent !== text) node.textContent = text; }

  function tick() {
    document.querySelectorAll("time[data-ago]").forEach(function (node) { say(node, ago(Date.parse(node.dateTime))); });
    document.querySelectorAll("[data-since]").forEach(function (node) {
      say(node, duration(Math.max(now() - Date.parse(node.dataset.since), 0) / 1000));
    });
  }

  // Something that was done, told also to who cannot see it; it stays for a while, or until the next.
  function notice(text, tone) {
    var node = document.getElementById("notice");
    node.textContent = text;
    node.className = tone || "";
    clearTimeout(notice.timer);
    notice.timer = setTimeout(function () { node.textContent = ""; node.className = ""; }, 8000);
  }

  // What the next page shall say.
  function noticeThere(text) { sessionStorage.setItem("notice", text); }
  (function () {
    var text = sessionStorage.getItem("notice");
    if (text) { sessionStorage.removeItem("notice"); notice(text, "good"); }
  })();

  // Calls `work` soon, but at most once in `every` ms, never while the last call is not done, and for at most a tenth
  // of the time: what is dear for the server is asked for less often.
  function calmly(every, work) {
    var least = every, last = 0, timer = 0, busy = false, again = false;
    function run() {
      timer = 0; busy = true; again = false; last = Date.now();
      Promise.resolve(work()).catch(function () {}).then(function () {
        busy = false;
        every = Math.max(least, 10 * (Date.now() - last));
        if (again) soon();
      });
    }
    function soon() {
      if (busy) { again = true; return; }
      if (!timer) timer = setTimeout(run, Math.max(last + every - Date.now(), 0));
    }
    return soon;
  }

  // The page at `url` as a document. Null: it is as it was.
  var tags = {};
  function fetched(url, part) {
    var headers = { Accept: "text/html" }, key = url + "#" + (part || "");
    if (part) headers["X-Runlake-Part"] = part;
    if (tags[key]) headers["If-None-Match"] = tags[key];
    return fetch(url, { headers: headers, cache: "no-store" }).then(function (answer) {
      if (answer.status === 304) return null;
      if (answer.status === 401) notice("Your session is over: reload the page to sign in again", "bad");
      if (!answer.ok) throw new Error(String(answer.status));
      if (answer.headers.get("ETag")) tags[key] = answer.headers.get("ETag");
      return answer.text().then(function (text) { return new DOMParser().parseFromString(text, "text/html"); });
    });
  }

  // As the server sent it: what scripts have changed since is no difference.
  var sent = {};
  function remember(node) { sent[node.id] = node.innerHTML; }
  document.querySelectorAll("[data-part]").forEach(remember);

  var FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex]";
  function place(root) {
    var active = document.activeElement;
    if (!active || active === document.body || !root.contains(active)) return null;
    if (active.id) return function () { return document.getElementById(active.id); };
    var details = active.matches("summary") ? active.parentElement : null;
    if (details && details.dataset.key) {
      return function () { return root.querySelector('[data-key="' + CSS.escape(details.dataset.key) + '"] > summary'); };
    }
    var href = active.getAttribute("href"), at = Array.prototype.indexOf.call(root.querySelectorAll(FOCUSABLE), active);
    return function () {
      return (href && root.querySelector('a[href="' + CSS.escape(href) + '"]')) || root.querySelectorAll(FOCUSABLE)[at];
    };
  }
  function selecting(root) {
    var selection = window.getSelection();
    return selection && !selection.isCollapsed && root.contains(selection.anchorNode);
  }
  function keyOf(node, at) { return node.dataset.key || node.id || String(at); }

  // Puts the new children in the place of the old ones; what is open stays open, what is scrolled stays there, and so
  // does the focus. While text in it is selected it stays as it is.
  function renew(root, made, before) {
    if (selecting(root)) return false;
    var focus = place(root), open = {}, scrolled = {};
    root.querySelectorAll("details").forEach(function (one, at) { open[keyOf(one, at)] = one.open; });
    root.querySelectorAll(".scroll").forEach(function (one, at) { scrolled[at] = [one.scrollTop, one.scrollLeft]; });
    Array.prototype.slice.call(made.attributes).forEach(function (one) { root.setAttribute(one.name, one.value); });
    if (before) before(made);
    root.replaceChildren.apply(root, Array.prototype.slice.call(made.childNodes));
    root.querySelectorAll("details").forEach(function (one, at) {
      if (keyOf(one, at) in open) one.open = open[keyOf(one, at)];
    });
    root.querySelectorAll(".scroll").forEach(function (one, at) {
      if (scrolled[at]) { one.scrollTop = scrolled[at][0]; one.scrollLeft = scrolled[at][1]; }
    });
    var node = focus && focus();
    if (node) node.focus({ preventScroll: true });
    tick();
    return true;
  }

  // Renews the parts of the page that differ in `made`; the ids of those that did.
  function renewParts(made) {
    var found = [];
    document.querySelectorAll("[data-part]").forEach(function (old) {
      var next = made.getElementById(old.id);
      if (!next || next.innerHTML === sent[old.id]) return;
      var text = next.innerHTML;
      if (renew(old, next)) { sent[old.id] = text; found.push(old.id); }
    });
    return found;
  }

  // Events of the server while the page is looked at; `heard(event)` for each, `back()` when some may have been missed.
  function listen(url, heard, back) {
    var pulse = document.getElementById("pulse"), source = null, lost = false, again = 0;
    function show(state, words) { pulse.hidden = false; pulse.className = "pulse " + state; say(pulse, words); }
    function open() {
      clearTimeout(again);
      if (source || document.hidden) return;
      source = new EventSource(url);
      source.onopen = function () {
        show("live", "Live");
        html.dataset.live = "";
        if (lost) back();
        lost = false;
      };
      source.onerror = function () {
        lost = true;
        delete html.dataset.live;
        show("waiting", "Reconnecting");
        if (source && source.readyState === EventSource.CLOSED) { // refused: it does not come back by itself
          source = null;
          again = setTimeout(open, 15000);
        }
      };
      source.onmessage = function (message) {
        var event = JSON.parse(message.data);
        if (event.type === "gap") back(); else if (event.type !== "error") heard(event);
      };
    }
    document.addEventListener("visibilitychange", function () {
      if (document.hidden) {
        if (source) source.close();
        source = null;
        lost = true;
      } else open();
    });
    window.addEventListener("pagehide", function () { if (source) source.close(); source = null; lost = true; });
    window.addEventListener("pageshow", open);
    open();
  }

  window.runlake = {
    now: now, duration: duration, count: count, calmly: calmly, fetched: fetched, listen: listen, notice: notice,
    noticeThere: noticeThere, renew: renew, renewParts: renewParts, say: say, tick: tick
  };
  setInterval(tick, 1000);
  tick();
})();
