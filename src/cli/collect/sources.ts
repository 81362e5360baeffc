import { fromEvents } from "../../collect/index.js";
import { optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aListOf,
  anInteger,
  aPath,
  aString,
  checkedElsewhere,
  oneOf,
  required,
} from "../../errors/value-checks.js";
import { type FlowFilterInit, toFlowFilter } from "../../filter/filter-init.js";
import type { EventSource } from "../../observer/events/event-source.js";
import { decodeExport } from "../../observer/index.js";
import { observerSource } from "../../rpc/index.js";
import { type ExportFileReport, exportFileSource } from "../../source/export.js";
import { openServer } from "../client/connect.js";
import { readServerOptions } from "../client/options.js";
import { errorText } from "../error-text.js";
import {
  checkKafkaSecrets,
  checkNatsSecrets,
  KAFKA_FIELDS,
  type KafkaConfig,
  kafkaOptions,
  NATS_FIELDS,
  type NatsConfig,
  natsOptions,
  throwIssue,
} from "./broker-config.js";
import type { Kinds } from "./kind.js";
import { aSecret, checkSecret, readSecret, type Secret } from "./secret.js";

/** A source that was opened. Disposing of it closes its connection. */
export interface OpenedSource extends AsyncDisposable {
  readonly source: EventSource;
}

/** How to reach a Hubble server or Relay, and which flows it sends. */
export interface ObserverConfig {
  readonly server: string;
  readonly tls?: boolean;
  readonly tlsCaCertFiles?: readonly string[];
  readonly tlsClientCertFile?: string;
  readonly tlsClientKeyFile?: string;
  readonly tlsServerName?: string;
  readonly basicAuthUsername?: string;
  readonly basicAuthPassword?: Secret;
  /** Filters that the server applies, as of `GetFlowsRequest`. */
  readonly allow?: readonly FlowFilterInit[];
  readonly deny?: readonly FlowFilterInit[];
  /** How many of the latest flows to begin with when there is no checkpoint; default 0: only new ones. */
  readonly last?: number;
}

/** An export file, with its backups. */
export interface FileSourceConfig {
  readonly path: string;
  /** Waits for more lines and files; default true. */
  readonly follow?: boolean;
  /** Where to begin without a checkpoint; default `start`. */
  readonly from?: "start" | "end";
  readonly backups?: boolean;
}

/** Standard input has no options. */
export type StdinConfig = Readonly<Record<string, never>>;

export interface JetStreamSourceConfig extends NatsConfig {
  readonly stream: string;
  readonly consumer: string;
  /** Creates the consumer if it does not exist; default true. */
  readonly create?: boolean;
}

export interface KafkaSourceConfig extends KafkaConfig {
  readonly topic: string;
  readonly groupId: string;
}

/** Exactly one of these. */
export interface SourceConfig {
  readonly observer?: ObserverConfig;
  readonly file?: FileSourceConfig;
  readonly stdin?: StdinConfig;
  readonly jetstream?: JetStreamSourceConfig;
  readonly kafka?: KafkaSourceConfig;
}

export const SOURCES: Kinds<SourceConfig, OpenedSource> = {
  observer: {
    check: optionsOf<ObserverConfig>("observer", {
      server: required(aString),
      tls: aBoolean,
      tlsCaCertFiles: aListOf(aPath),
      tlsClientCertFile: aPath,
      tlsClientKeyFile: aPath,
      tlsServerName: aString,
      basicAuthUsername: aString,
      basicAuthPassword: aSecret,
      // Checked with all other filters.
      allow: checkedElsewhere,
      deny: checkedElsewhere,
      last: anInteger(0),
    }),
    checkSecrets({ basicAuthPassword }, path, { env }, report) {
      checkSecret(basicAuthPassword, `${path}.basicAuthPassword`, env, report);
    },
    async open(config, { io, messages }) {
      const { server: address, basicAuthPassword, allow = [], deny = [], last = 0 } = config;
      const password =
        basicAuthPassword && readSecret(basicAuthPassword, "basicAuthPassword", io.env, throwIssue);
      // Never undefined, as there is an address.
      const options = readServerOptions(
        {
          server: address,
          ...(config.tls !== undefined && { tls: config.tls }),
          ...(config.tlsCaCertFiles && { "tls-ca-cert-files": [...config.tlsCaCertFiles] }),
          ...(config.tlsClientCertFile && { "tls-client-cert-file": config.tlsClientCertFile }),
          ...(config.tlsClientKeyFile && { "tls-client-key-file": config.tlsClientKeyFile }),
          ...(config.tlsServerName && { "tls-server-name": config.tlsServerName }),
          ...(config.basicAuthUsername && { "basic-auth-username": config.basicAuthUsername }),
          ...(password && { "basic-auth-password": password }),
        },
        // The environment of the Hubble CLI does not configure a collector.
        { env: {} },
      )!;
      const server = await openServer(options, io, messages);
      const toFilters = (filters: readonly FlowFilterInit[]) =>
        filters.map((filter) => toFlowFilter(filter, "", throwIssue));
      const request = {
        whitelist: toFilters(allow),
        blacklist: toFilters(deny),
        follow: true,
        number: BigInt(last),
      };
      return {
        source: observerSource(server.transport, request, { clock: io.clock }),
        [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
      };
    },
  },
  file: {
    check: optionsOf<FileSourceConfig>("file", {
      path: required(aPath),
      follow: aBoolean,
      from: oneOf("start", "end"),
      backups: aBoolean,
    }),
    open: async ({ path, follow = true, from, backups }, { io, messages }) =>
      opened(
        exportFileSource(path, {
          follow,
          ...(from !== undefined && { from }),
          ...(backups !== undefined && { backups }),
          onReport: (report: ExportFileReport) => messages.report(fileReportText(report)),
          clock: io.clock,
        }),
      ),
  },
  stdin: {
    check: optionsOf<StdinConfig>("stdin", {}),
    open: async (_, { io, messages }) =>
      opened(
        fromEvents(
          decodeExport(io.stdin.chunks(), {
            onBadLine: ({ message }) => messages.report(`standard input: ${message}`),
          }),
        ),
      ),
  },
  jetstream: {
    check: optionsOf<JetStreamSourceConfig>("jetstream", {
      ...NATS_FIELDS,
      stream: required(aString),
      consumer: required(aString),
      create: aBoolean,
    }),
    checkSecrets: checkNatsSecrets,
    async open(config, { io, messages }) {
      const { stream, consumer, create = true } = config;
      const { openJetStreamSource } = await import("../../nats/index.js");
      return opened(
        openJetStreamSource({
          ...natsOptions(config, io),
          stream,
          consumer,
          ...(create && { create: {} }),
          onUndecodable: ({ reason }) => messages.report(`${stream}: a message is not an event: ${reason}`),
        }),
      );
    },
  },
  kafka: {
    check: optionsOf<KafkaSourceConfig>("kafka", {
      ...KAFKA_FIELDS,
      topic: required(aString),
      groupId: required(aString),
    }),
    checkSecrets: checkKafkaSecrets,
    async open(config, { io, messages }) {
      const { topic, groupId } = config;
      const { openKafkaSource } = await import("../../kafka/index.js");
      return opened(
        openKafkaSource({
          ...kafkaOptions(config, io),
          topic,
          groupId,
          onUndecodable: ({ reason }) => messages.report(`${topic}: a message is not an event: ${reason}`),
        }),
      );
    },
  },
};

function fileReportText(report: ExportFileReport): string {
  const { path } = report;
  switch (report.kind) {
    case "bad_line":
      return `${path}: byte ${report.offset}: ${report.message}`;
    case "damaged":
      return errorText(report.error);
    case "gap":
      return `${path}: read from its start, because the file that was read last is gone; events may be missing`;
    case "truncated":
      return `${path}: truncated after ${report.offset} bytes were read`;
    case "waiting":
      return `${errorText(report.error)}; waiting for it`;
  }
}

/** A source that has nothing to close but what `collect` closes. */
function opened(source: EventSource): OpenedSource {
  return { source, [Symbol.asyncDispose]: async () => {} };
}
