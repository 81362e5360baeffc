import { optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  anInteger,
  anObjectOf,
  aPath,
  aString,
  either,
  oneOf,
  type ReportIssue,
  required,
  type ValueCheck,
} from "../../errors/value-checks.js";
import { checkMetrics, type HubbleMetrics } from "../../metrics/config/check.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { flattenEvent } from "../../observer/index.js";
import { openFlowFile } from "../../sink/export.js";
import { anHttpUrl } from "../../sink/http/options.js";
import type { Io } from "../io/io.js";
import {
  aDuration,
  checkKafkaSecrets,
  checkNatsSecrets,
  KAFKA_FIELDS,
  type KafkaConfig,
  kafkaOptions,
  NATS_FIELDS,
  type NatsConfig,
  natsOptions,
  throwIssue,
  toMs,
} from "./broker-config.js";
import type { Kinds } from "./kind.js";
import { openMetricsSink } from "./metrics-sink.js";
import { openOutputSink } from "./output-sink.js";
import { aSecret, checkSecret, readSecret, type Secret } from "./secret.js";

/** A file of JSON lines, with the names and defaults of Hubble's dynamic exporter. */
export interface FileConfig {
  readonly path: string;
  readonly fileMaxSizeMb?: number;
  readonly fileMaxBackups?: number;
  readonly fileCompress?: boolean;
}

/** Standard output has no options. */
export type StdoutConfig = Readonly<Record<string, never>>;

export interface JetStreamConfig extends NatsConfig {
  readonly subject: string;
  readonly stream?: string;
}

export interface KafkaSinkConfig extends KafkaConfig {
  readonly topic: string;
  readonly key?: "node" | "five-tuple";
}

/** Requests over HTTP. */
interface RequestConfig {
  /** The values of headers may be secrets. */
  readonly headers?: Readonly<Record<string, string | Secret>>;
  readonly gzip?: boolean;
  readonly timeout?: string;
}

export interface HttpConfig extends RequestConfig {
  readonly url: string;
  /** `events` as in export files (default), or `flat` rows with the columns of `flattenEvent`. */
  readonly rows?: "events" | "flat";
  readonly idempotencyHeader?: string;
  readonly deduplicationParameter?: string;
}

export interface OtlpConfig extends RequestConfig {
  /** Default `http://localhost:4318/v1/logs`. */
  readonly url?: string;
  readonly body?: "compact" | "json";
}

/** Hubble's metrics, which are served at `listen`. */
export interface MetricsConfig {
  /** The text of `--hubble-metrics`, or the list of Hubble's dynamic configuration. */
  readonly hubble: HubbleMetrics;
  readonly maxSeriesPerMetric?: number;
}

/** Exactly one of these. */
export interface SinkConfig {
  readonly metrics?: MetricsConfig;
  readonly file?: FileConfig;
  readonly jetstream?: JetStreamConfig;
  readonly kafka?: KafkaSinkConfig;
  readonly http?: HttpConfig;
  readonly otlp?: OtlpConfig;
  readonly stdout?: StdoutConfig;
}

const REQUEST_FIELDS = {
  headers: anObjectOf<string | Secret>(either((value) => typeof value === "string", aString, aSecret)),
  gzip: aBoolean,
  timeout: aDuration,
};

function checkHeaderSecrets(
  { headers }: RequestConfig,
  path: string,
  { env }: Pick<Io, "env">,
  report: ReportIssue,
): void {
  for (const [name, value] of Object.entries(headers ?? {})) {
    if (typeof value !== "string") checkSecret(value, `${path}.headers.${name}`, env, report);
  }
}

function requestOptions({ headers = {}, gzip, timeout }: RequestConfig, { env, clock }: Io) {
  return {
    clock,
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [
        name,
        typeof value === "string" ? value : readSecret(value, name, env, throwIssue),
      ]),
    ),
    ...(gzip !== undefined && { gzip }),
    ...(timeout !== undefined && { timeoutMs: toMs(timeout) }),
  };
}

const someMetrics: ValueCheck<HubbleMetrics> = (value, path, report) => {
  checkMetrics(value, undefined, (within, message) =>
    report(within === "" ? path : `${path}.${within}`, message),
  );
};

const BYTES_PER_MB = 2 ** 20;

export const SINKS: Kinds<SinkConfig, FlowSink> = {
  file: {
    check: optionsOf<FileConfig>("file", {
      path: required(aPath),
      fileMaxSizeMb: anInteger(1),
      fileMaxBackups: anInteger(0),
      fileCompress: aBoolean,
    }),
    open: ({ path, fileMaxSizeMb, fileMaxBackups, fileCompress }, { io, messages }) =>
      openFlowFile(path, {
        clock: io.clock,
        onBackupError: ({ message }) => messages.report(message),
        onTornLine: (bytes) =>
          messages.report(`${path}: removed ${bytes} bytes of a line that was not written to its end`),
        ...(fileMaxSizeMb !== undefined && { maxFileBytes: fileMaxSizeMb * BYTES_PER_MB }),
        ...(fileMaxBackups !== undefined && { maxBackups: fileMaxBackups }),
        ...(fileCompress !== undefined && { compress: fileCompress }),
      }),
  },
  jetstream: {
    check: optionsOf<JetStreamConfig>("jetstream", {
      ...NATS_FIELDS,
      subject: required(aString),
      stream: aString,
    }),
    checkSecrets: checkNatsSecrets,
    async open(config, { io }) {
      const { subject, stream } = config;
      const { openJetStreamSink } = await import("../../nats/index.js");
      return openJetStreamSink({
        ...natsOptions(config, io),
        subject,
        ...(stream !== undefined && { stream }),
      });
    },
  },
  kafka: {
    check: optionsOf<KafkaSinkConfig>("kafka", {
      ...KAFKA_FIELDS,
      topic: required(aString),
      key: oneOf("node", "five-tuple"),
    }),
    checkSecrets: checkKafkaSecrets,
    async open(config, { io }) {
      const { topic, key } = config;
      const { openKafkaSink } = await import("../../kafka/index.js");
      return openKafkaSink({ ...kafkaOptions(config, io), topic, ...(key !== undefined && { key }) });
    },
  },
  http: {
    check: optionsOf<HttpConfig>("http", {
      ...REQUEST_FIELDS,
      url: required(anHttpUrl),
      rows: oneOf("events", "flat"),
      idempotencyHeader: aString,
      deduplicationParameter: aString,
    }),
    checkSecrets: checkHeaderSecrets,
    async open(config, { io }) {
      const { url, rows, idempotencyHeader, deduplicationParameter } = config;
      const { openHttpSink } = await import("../../sink/http/index.js");
      return openHttpSink(url, {
        ...requestOptions(config, io),
        ...(rows === "flat" && { row: (event) => flattenEvent(event) }),
        ...(idempotencyHeader !== undefined && { idempotencyHeader }),
        ...(deduplicationParameter !== undefined && { deduplicationParameter }),
      });
    },
  },
  otlp: {
    check: optionsOf<OtlpConfig>("otlp", {
      ...REQUEST_FIELDS,
      url: anHttpUrl,
      body: oneOf("compact", "json"),
    }),
    checkSecrets: checkHeaderSecrets,
    async open(config, { io }) {
      const { url, body } = config;
      const { openOtlpSink } = await import("../../sink/otlp/index.js");
      return openOtlpSink({
        ...requestOptions(config, io),
        ...(url !== undefined && { url }),
        ...(body !== undefined && { body }),
      });
    },
  },
  metrics: {
    check: optionsOf<MetricsConfig>("metrics", {
      hubble: required(someMetrics),
      maxSeriesPerMetric: anInteger(1),
    }),
    async open({ hubble, maxSeriesPerMetric }, { addMetrics }) {
      const { createFlowMetrics } = await import("../../metrics/index.js");
      const metrics = createFlowMetrics({
        metrics: hubble,
        ...(maxSeriesPerMetric !== undefined && { maxSeriesPerMetric }),
      });
      addMetrics(() => metrics.metricsText());
      return openMetricsSink(metrics);
    },
  },
  stdout: {
    check: optionsOf<StdoutConfig>("stdout", {}),
    open: async (_, { io }) => openOutputSink(io.stdout),
  },
};
