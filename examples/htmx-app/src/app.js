// Keeps what the user has entered when the session ends: a window signs in, and the form is sent again.
"use strict";

const { user, signedIn } = document.body.dataset;
const tabs = new BroadcastChannel("okta-session");
const over = document.querySelector("#over");
const draft = `draft ${user}`;
let refused = null; // the form that has to be sent again
let events = null;

if (signedIn !== undefined) {
  tabs.postMessage({ signedIn: user });
  close();
} else if (over) {
  start();
}

function start() {
  const text = document.querySelector("textarea");
  text.value = sessionStorage.getItem(draft) ?? "";
  sessionStorage.removeItem(draft);

  // Without this, htmx follows the `HX-Redirect` of a 401, and the page loses its input.
  document.body.addEventListener("htmx:beforeOnLoad", (event) => {
    if (event.detail.xhr.status !== 401) return;
    event.preventDefault();
    refused = event.detail.elt;
    if (!over.open) over.showModal();
  });
  document.body.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) event.detail.elt.reset();
  });

  over.querySelector("button").addEventListener("click", () => {
    const opened = open("/signed-in", "sign-in", "popup,width=600,height=600");
    if (opened) return;
    // Popups are blocked. Files are lost, the text is not.
    sessionStorage.setItem(draft, text.value);
    location.assign("/login?return_to=" + encodeURIComponent(location.pathname));
  });

  tabs.addEventListener("message", ({ data }) => {
    if (data.signedIn !== user) return location.reload(); // another user must not send this form
    over.close();
    listen();
    if (refused) htmx.trigger(refused, "submit");
    refused = null;
  });

  listen();
}

/** The stream ends with the session. The browser connects again, and a 401 ends that for good. */
function listen() {
  events?.close();
  events = new EventSource("/events");
  events.onmessage = ({ data }) => (document.querySelector("#count").textContent = data);
  events.onerror = () => {
    if (events.readyState === EventSource.CLOSED && !over.open) over.showModal();
  };
}
