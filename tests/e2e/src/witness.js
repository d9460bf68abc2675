// Runs in every document before the document's own scripts, and writes down what a look from outside would miss:
// states that pass between two looks, errors that only the console tells, how the document was shown, and what the page
// asked the browser to send.
(() => {
  const witness = { errors: [], glimpses: [], persisted: [], requests: [] };
  Object.defineProperty(window, "witness", { value: witness });

  addEventListener("error", (event) => witness.errors.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => witness.errors.push(String(event.reason)));
  addEventListener("pageshow", (event) => witness.persisted.push(event.persisted));

  // A request forgets the headers that a page may not set, so these are the ones that are sent.
  const { fetch } = window;
  window.fetch = (url, init) => {
    const request = new Request(url, { ...init, signal: null });
    witness.requests.push({ path: new URL(request.url).pathname, headers: Object.fromEntries(request.headers) });
    return fetch(url, init);
  };

  // One glimpse for each change of a stream's state or of the number of its messages.
  const last = new Map();
  const look = () => {
    for (const card of document.querySelectorAll("#streams > li")) {
      const { key, state } = card.dataset;
      const messages = card.querySelectorAll(".messages > li").length;
      const now = `${state} ${messages}`;
      if (last.get(key) !== now) {
        last.set(key, now);
        witness.glimpses.push({ key, state, messages, at: performance.timeOrigin + performance.now() });
      }
    }
  };
  new MutationObserver(look).observe(document, { attributes: true, childList: true, subtree: true });
})();
