// Keeps the page in step with the hub: an event says that something changed, and the page's middle is fetched anew.
"use strict";
const main = document.querySelector("main[data-live]");
const link = document.getElementById("link");
if (main) {
  let busy = false;
  let again = false;
  const renew = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      const answer = await fetch("/live", { cache: "no-store" });
      // What is selected or read right now is left alone until the next event.
      if (answer.ok && document.getSelection().isCollapsed) {
        const focused = document.activeElement && document.activeElement.getAttribute("href");
        main.innerHTML = await answer.text();
        const same = focused && [...main.querySelectorAll("a")].find((a) => a.getAttribute("href") === focused);
        if (same) same.focus();
      }
    } catch {
      // The event stream says when the hub is gone.
    }
    busy = false;
    if (again) {
      again = false;
      renew();
    }
  };
  const events = new EventSource("/events");
  events.addEventListener("changed", renew);
  events.onopen = () => { link.textContent = "live"; };
  events.onerror = () => { link.textContent = "⚠ no answer from the hub; this page may be old"; };
}
