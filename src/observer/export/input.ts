import type { ByteInput } from "../../bytes/byte-input.js";
import { createChunkInput, type ReadableStreamLike } from "../../bytes/chunk-input.js";
import { decompress, type GzipFault } from "../../bytes/decompress.js";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { peek } from "../../bytes/peek.js";
import { describeSignature, findSignature, SIGNATURE_BYTES } from "../../bytes/signature.js";
import { checkArgument } from "../../errors/check-argument.js";
import { describeValue } from "../../errors/describe-value.js";
import { hasMethods, isIterable, type ValueCheck, valueCheck } from "../../errors/value-checks.js";
import { ExportError } from "./error.js";

type Chunk = Uint8Array | string;

/** Export lines as bytes or strings, complete or in chunks of any size. */
export type ExportInput = Chunk | Iterable<Chunk> | AsyncIterable<Chunk> | ReadableStreamLike<Chunk>;

const anExportInput: ValueCheck<ExportInput> = valueCheck(
  "a string, a Uint8Array, an iterable of these or a stream",
  (value) =>
    typeof value === "string" || isUint8Array(value) || isIterable(value) || hasMethods(value, ["getReader"]),
);

/** A path of an export file, which is not JSON. */
const PATH = /^[\w.:/\\-]+\.(?:gz|json|jsonl|log|ndjson|txt)$/;

/**
 * Checks the input of a function for export files.
 *
 * @throws TypeError, also for a string that is a path.
 */
export function checkExportInput(name: string, input: ExportInput): void {
  checkArgument(name, "input", input, anExportInput);
  if (typeof input === "string" && PATH.test(input)) {
    throw new TypeError(
      `${name}: input must be the content of a file, not its path: pass createReadStream(path)`,
    );
  }
}

const utf8 = new TextEncoder();

/** Creates a byte input from any {@link ExportInput}; strings are encoded as UTF-8. */
export function createExportInput(input: ExportInput): ByteInput {
  return createChunkInput(input, bytesOfChunk);
}

function bytesOfChunk(chunk: unknown): Uint8Array {
  if (isUint8Array(chunk)) return chunk;
  if (typeof chunk === "string") return utf8.encode(chunk);
  throw new TypeError(
    `decodeExport: every chunk of input must be a Uint8Array or a string, not ${describeValue(chunk)}`,
  );
}

/**
 * Returns the plain bytes of an export file, which may be compressed by gzip.
 *
 * @throws ExportError `malformed_export` for other kinds of files, detected by their first bytes; `malformed_gzip`, also
 *   from the returned input.
 */
export async function openLines(raw: ByteInput): Promise<ByteInput> {
  const { input: plain } = await decompress(raw, gzipError);
  const { result: signature, input } = await peek(plain, (head, isLast) =>
    isLast || head.length >= SIGNATURE_BYTES ? (findSignature(head) ?? "lines") : undefined,
  );
  if (signature === "lines") return input;
  throw new ExportError("malformed_export", `not export lines but ${describeSignature(signature)}`);
}

function gzipError({ message }: GzipFault): ExportError {
  return new ExportError("malformed_gzip", message);
}
