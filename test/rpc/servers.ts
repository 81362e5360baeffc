import * as grpc from "@grpc/grpc-js";
import type { PacketSource } from "../../src/packet/index.js";
import {
  createRecorderService,
  type RecorderService,
  type RecorderServiceOptions,
} from "../../src/recorder/index.js";
import { grpcJsRecorder, openRecorderServer } from "../../src/rpc/index.js";
import { fileSink } from "../../src/sink/file.js";
import { type ControlledSource, controlledSource } from "../recorder/sources.js";
import { temporaryFolder } from "../sink/folder.js";

export interface RunningServer extends AsyncDisposable {
  readonly address: string;
  close(): Promise<void>;
}

/** The two ways to serve, by name. */
export const SERVERS: Readonly<Record<string, (service: RecorderService) => Promise<RunningServer>>> = {
  "Connect on node:http2": (service) => openRecorderServer("127.0.0.1:0", service),
  "grpc-js": serveGrpcJs,
};

export async function serveGrpcJs(
  service: RecorderService,
  credentials: grpc.ServerCredentials = grpc.ServerCredentials.createInsecure(),
  listen = "127.0.0.1:0",
): Promise<RunningServer> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": service.limits.maxMessageBytes });
  const { definition, implementation } = grpcJsRecorder(service);
  server.addService(definition, implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(listen, credentials, (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  const close = async () => {
    await service.shutdown();
    await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  };
  return {
    address: listen.startsWith("unix:") ? listen : `127.0.0.1:${port}`,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** A recorder whose packets the test pushes, writing into a folder that is removed after the test. */
export interface TestRecorder extends AsyncDisposable {
  readonly service: RecorderService;
  readonly folder: string;
  /** In the order in which they were opened. */
  readonly sources: readonly ControlledSource[];
  /** Those that have been closed. */
  readonly closed: ReadonlySet<PacketSource>;
}

export async function testRecorder(
  options: Partial<RecorderServiceOptions> & { readonly folder?: string } = {},
): Promise<TestRecorder> {
  const temporary = await temporaryFolder();
  const { folder = temporary.path, ...others } = options;
  const sources: ControlledSource[] = [];
  const closed = new Set<PacketSource>();
  const service = createRecorderService({
    nodeName: "prod/node1",
    changeIntervalMs: 0,
    openSource: async () => {
      const source = controlledSource();
      sources.push(source);
      return Object.assign(
        Object.create(source, Object.getOwnPropertyDescriptors(source)) as ControlledSource,
        {
          [Symbol.asyncDispose]: async () => {
            closed.add(source);
          },
        },
      );
    },
    openSink: fileSink(folder, { nodeName: "prod/node1" }),
    ...others,
  });
  return { service, folder, sources, closed, [Symbol.asyncDispose]: temporary[Symbol.asyncDispose] };
}
