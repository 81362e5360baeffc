/**
 * Whether a value is a Uint8Array (or a Buffer) of any realm. Test runners such as Jest run code in a context with its
 * own `Uint8Array`, for which `instanceof` is false.
 */
export function isUint8Array(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";
}
