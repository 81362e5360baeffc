/**
 * Whether it is a Uint8Array, a Buffer among them, of whatever realm: test runners such as Jest run programs in a context that has
 * a `Uint8Array` of its own, of which the package's `instanceof` knows nothing.
 */
export function isUint8Array(value: unknown): value is Uint8Array {
  if (value instanceof Uint8Array) return true;
  return ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === "[object Uint8Array]";
}
