// Loads the transport, which sets `globalThis.transport`.
import init from "./drawbridge-bench-browser.js";

const { memory } = await init();
globalThis.transport.memory = () => memory.buffer.byteLength;
