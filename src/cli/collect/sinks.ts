import { optionsOf } from "../../errors/check-options.js";
import { aBoolean, anInteger, aPath, required } from "../../errors/value-checks.js";
import type { FlowSink } from "../../observer/events/flow-sink.js";
import { openFlowFile } from "../../sink/export.js";
import type { Kinds } from "./kind.js";
import { openOutputSink } from "./output-sink.js";

/** A file of JSON lines, with the names and defaults of Hubble's dynamic exporter. */
export interface FileConfig {
  readonly path: string;
  readonly fileMaxSizeMb?: number;
  readonly fileMaxBackups?: number;
  readonly fileCompress?: boolean;
}

/** Standard output has no options. */
export type StdoutConfig = Readonly<Record<string, never>>;

/** Exactly one of these. */
export interface SinkConfig {
  readonly file?: FileConfig;
  readonly stdout?: StdoutConfig;
}

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
  stdout: {
    check: optionsOf<StdoutConfig>("stdout", {}),
    open: async (_, { io }) => openOutputSink(io.stdout),
  },
};
