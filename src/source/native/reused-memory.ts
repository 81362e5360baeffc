import { markAsUntransferable } from "node:worker_threads";

/**
 * Marks an array that C or the next batch overwrites as untransferable: `postMessage` and `structuredClone` then throw
 * a `DataCloneError` (Node 20 copies the array instead).
 *
 * Only for memory allocated by V8. Node itself marks external memory (`koffi.view`); marking it again aborts Node 24
 * and 26 at exit, because it sets a detach key and Node detaches external memory without a key.
 */
export function markReused<A extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(array: A): A {
  markAsUntransferable(array.buffer);
  return array;
}

/**
 * Call it before reused memory is written to or yielded again: on some versions of Node,
 * `ArrayBuffer.prototype.transfer` and byte streams detach marked memory.
 *
 * @throws TypeError if the memory has been detached.
 */
export function checkAttached(array: Uint8Array | Uint32Array): void {
  if (array.length === 0) {
    throw new TypeError(
      "the memory of a reused batch must not be transferred: copy the batch first (copyBatch)",
    );
  }
}
