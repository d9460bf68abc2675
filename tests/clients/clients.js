// Two clients for gRPC-Web that others wrote, as they come, behind one set of questions. Each answer is plain data, which
// a WebDriver can carry. Messages are read by the server's own descriptors, so that no code is generated.

import { create, createFileRegistry, fromBinary, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { GrpcWebClientBase, MethodDescriptor, MethodType } from "grpc-web";

/** Returns how connect-web answers each question. */
function connectWeb(registry) {
  const transport = createGrpcWebTransport({ baseUrl: location.origin });
  const client = (name) => createClient(registry.getService(name), transport);
  const failure = async (call) => {
    try {
      return { answer: await call() };
    } catch (error) {
      const { code, rawMessage, details } = ConnectError.from(error);
      return { code, words: rawMessage, details: details.map(({ type }) => type) };
    }
  };
  return {
    unary: (name) => failure(async () => (await client("greet.Greeter").sayHello({ name })).message),
    stream: async (key) => {
      const messages = [];
      for await (const { message } of client("Message").stream({ key })) messages.push(message);
      return messages;
    },
    cancel: (name) =>
      failure(async () => {
        const abort = new AbortController();
        for await (const _ of client("greet.Greeter").sayHellos({ name }, { signal: abort.signal })) abort.abort();
      }),
    deadline: (name, timeoutMs) =>
      failure(() => client("greet.Greeter").sayHello({ name }, { timeoutMs })),
    error: (name) => failure(() => client("user.UserService").getUser({ name })),
  };
}

/** Returns how the official client answers each question, in one of its two formats. */
function grpcWeb(registry, format) {
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
      return { answer: await client.unaryCall(location.origin + path, message, metadata, descriptor) };
    } catch ({ code, message: words, metadata: trailers }) {
      return { code, words, details: atob(trailers?.["grpc-status-details-bin"] ?? "") };
    }
  };
  const stream = (service, name, message) => {
    const [path, descriptor] = method(service, name);
    return client.serverStreaming(location.origin + path, message, {}, descriptor);
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
  };
}

const descriptors = new Uint8Array(await (await fetch("descriptors.bin")).arrayBuffer());
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors));
globalThis.clients = {
  "connect-web": connectWeb(registry),
  "grpc-web": grpcWeb(registry, "binary"),
  "grpc-web, text": grpcWeb(registry, "text"),
};
