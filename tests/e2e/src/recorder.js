// Runs in every document before the document's own scripts. It records what polling from outside would miss: states between
// two polls, errors in the console, how the document was shown, and the requests of the page.
(() => {
  const recorder = { errors: [], snapshots: [], persisted: [], requests: [] };
  Object.defineProperty(window, "recorder", { value: recorder });

  addEventListener("error", (event) => recorder.errors.push(String(event.message)));
  addEventListener("unhandledrejection", (event) => recorder.errors.push(String(event.reason)));
  addEventListener("pageshow", (event) => recorder.persisted.push(event.persisted));

  // A Request drops the headers that a page may not set, so these headers are the ones that are sent.
  const { fetch } = window;
  window.fetch = (url, init) => {
    const request = new Request(url, { ...init, signal: null });
    recorder.requests.push({ path: new URL(request.url).pathname, headers: Object.fromEntries(request.headers) });
    return fetch(url, init);
  };

  // One snapshot for each change of a card's state or of the number of its messages.
  const last = new Map();
  const record = () => {
    for (const card of document.querySelectorAll("#streams > li")) {
      const { key, state } = card.dataset;
      const messages = card.querySelectorAll(".messages > li").length;
      const now = `${state} ${messages}`;
      if (last.get(key) !== now) {
        last.set(key, now);
        recorder.snapshots.push({ key, state, messages, at: performance.timeOrigin + performance.now() });
      }
    }
  };
  new MutationObserver(record).observe(document, { attributes: true, childList: true, subtree: true });
})();
