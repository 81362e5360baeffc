import { markAsUntransferable } from "node:worker_threads";

/**
 * Marks an array that C or the next batch overwrites, so that it cannot be transferred by accident: `postMessage` and
 * `structuredClone` then throw a `DataCloneError` (Node 20 copies the array instead).
 *
 * Only for memory that V8 allocated. External memory (`koffi.view`) has Node's own mark, and a second one aborts Node 24 and 26
 * at exit: it sets a detach key, and Node detaches external memory without a key.
 */
export function markReused<A extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: A): A {
  markAsUntransferable(array.buffer);
  return array;
}

/**
 * To be called before reused memory is written to or yielded again: on some versions of Node, `ArrayBuffer.prototype.transfer` and
 * byte streams detach marked memory.
 *
 * @throws TypeError when the memory has been detached.
 */
export function checkAttached(array: Uint8Array | Uint32Array): void {
  if (array.length === 0) {
    throw new TypeError(
      "the memory of a reused batch must not be transferred: copy the batch first (copyBatch)",
    );
  }
}
