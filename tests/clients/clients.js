// One interface to clients of gRPC-Web and Connect. Each function returns plain data, which WebDriver can transfer. Messages are decoded
// with the server's descriptors, so that no code is generated.

import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";

/** Response metadata that a page of another origin can read only if it is exposed. */
const PUSHBACK = "grpc-retry-pushback-ms";

/** Returns the functions for connect-web with one of its transports. */
function connectWeb(registry, transport) {
  const client = (name) => createClient(registry.getService(name), transport);
  const failure = async (call) => {
    try {
      return { answer: await call() };
    } catch (error) {
      const { code, rawMessage, details, metadata } = ConnectError.from(error);
      const pushback = metadata.get(PUSHBACK);
      return { code, message: rawMessage, details: details.map(({ type }) => type), pushback };
    }
  };
  return {
    unary: (name) => failure(async () => (await client("greet.Greeter").sayHello({ name })).message),
    stream: async (key) => {
      const messages = [];
      for await (const { message } of client("Message").stream({ key })) messages.push(message);
      return messages;
    },
    // For the bench: reads a stream to its end and returns the number of messages; opens a stream that stays open
    // after its first message.
    drain: async (key) => {
      let count = 0;
      for await (const _ of client("Message").stream({ key })) count += 1;
      return count;
    },
    open: async (key) => {
      const messages = client("Message").stream({ key })[Symbol.asyncIterator]();
      await messages.next();
      messages.next().catch(() => {});
    },
    cancel: (name) =>
      failure(async () => {
        const abort = new AbortController();
        for await (const _ of client("greet.Greeter").sayHellos({ name }, { signal: abort.signal })) abort.abort();
      }),
    deadline: (name, timeoutMs) =>
      failure(() => client("greet.Greeter").sayHello({ name }, { timeoutMs })),
    error: (name) => failure(() => client("user.UserService").getUser({ name })),
    pushback: (fail) => failure(() => client("user.UserService").getUser({ name: "ada", fail })),
  };
}

/** Returns the functions for the official client, with one of its two formats, and the server at this URL. */
function grpcWeb(registry, format, baseUrl) {
  const client = new GrpcWebClientBase({ format });
  const method = (service, name) => {
    const { input, output, methodKind } = registry.getService(service).method[name];
    const kind = methodKind === "unary" ? MethodType.UNARY : MethodType.SERVER_STREAMING;
    const path = `/${service}/${name[0].toUpperCase()}${name.slice(1)}`;
    const write = (message) => toBinary(input, create(input, message));
    return [path, new MethodDescriptor(path, kind, Object, Object, write, (bytes) => fromBinary(output, bytes))];
  };
  const unary = async (service, name, message, metadata = {}) => {
    const [path, descriptor] = method(service, name);
    try {
      return { answer: await client.unaryCall(baseUrl + path, message, metadata, descriptor) };
    } catch ({ code, message, metadata: trailers }) {
      const details = atob(trailers?.["grpc-status-details-bin"] ?? "");
      return { code, message, details, pushback: trailers?.[PUSHBACK] };
    }
  };
  const stream = (service, name, message) => {
    const [path, descriptor] = method(service, name);
    return client.serverStreaming(baseUrl + path, message, {}, descriptor);
  };
  return {
    unary: async (name) => {
      const { answer, ...failed } = await unary("greet.Greeter", "sayHello", { name });
      return answer ? { answer: answer.message } : failed;
    },
    stream: (key) =>
      new Promise((resolve, reject) => {
        const messages = [];
        stream("Message", "stream", { key })
          .on("data", ({ message }) => messages.push(message))
          .on("error", reject)
          .on("end", () => resolve(messages));
      }),
    drain: (key) =>
      new Promise((resolve, reject) => {
        let count = 0;
        stream("Message", "stream", { key })
          .on("data", () => (count += 1))
          .on("error", reject)
          .on("end", () => resolve(count));
      }),
    open: (key) =>
      new Promise((resolve, reject) => {
        stream("Message", "stream", { key }).on("data", resolve).on("error", reject);
      }),
    cancel: (name) =>
      new Promise((resolve, reject) => {
        const calls = stream("greet.Greeter", "sayHellos", { name });
        calls.on("error", reject).on("data", () => {
          calls.cancel();
          resolve({});
        });
      }),
    deadline: (name, timeoutMs) =>
      unary("greet.Greeter", "sayHello", { name }, { deadline: String(Date.now() + timeoutMs) }),
    error: (name) => unary("user.UserService", "getUser", { name }),
    pushback: (fail) => unary("user.UserService", "getUser", { name: "ada", fail }),
  };
}

/** Returns the function for the browser's own client of events, which has no library, and the server at this URL. */
function eventSource(baseUrl) {
  return {
    // Resolves when the browser calls no more: it calls again after the end of the stream, and is told to stop.
    stream: (key) =>
      new Promise((resolve) => {
        const events = new EventSource(`${baseUrl}/Message/Stream?key=${encodeURIComponent(key)}`);
        const messages = [];
        let end;
        events.onmessage = ({ data, lastEventId }) => messages.push(`${lastEventId}: ${JSON.parse(data).message}`);
        events.addEventListener("end", ({ data }) => (end = JSON.parse(data)));
        events.onerror = () => {
          if (events.readyState === EventSource.CLOSED) resolve({ messages, end });
        };
      }),
  };
}

const descriptors = new Uint8Array(await (await fetch("descriptors.bin")).arrayBuffer());
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
globalThis.clients = (baseUrl) => ({
  "connect-web": connectWeb(registry, createGrpcWebTransport({ baseUrl })),
  // Methods without side effects are called with GET.
  "connect-web, Connect": connectWeb(
    registry,
    createConnectTransport({ baseUrl, useBinaryFormat: true, useHttpGet: true }),
  ),
  "connect-web, JSON": connectWeb(registry, createConnectTransport({ baseUrl })),
  EventSource: eventSource(baseUrl),
  "grpc-web": grpcWeb(registry, "binary", baseUrl),
  "grpc-web, text": grpcWeb(registry, "text", baseUrl),
});
