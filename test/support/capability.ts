import type { Koffi } from "../../src/source/native/koffi.js";

/** Numbers in linux/capability.h. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13, CAP_BPF: 39 } as const;

/** `_LINUX_CAPABILITY_VERSION_3`: two words of each set. */
const VERSION = 0x20080522;

/** Starts something while this thread is without a right, up to its first real wait; the thread has it again afterwards. */
export async function withoutCapability<T>(
  koffi: Koffi,
  name: keyof typeof CAPABILITIES,
  action: () => Promise<T>,
): Promise<T> {
  const c = koffi.load(null);
  type Call = (header: Uint8Array, data: Uint32Array) => number;
  // `func` returns a function of the given prototype, which types cannot express.
  const capget = c.func("int capget(void*, void*)") as Call;
  const capset = c.func("int capset(void*, void*)") as Call;
  const header = new Uint8Array(new Uint32Array([VERSION, 0]).buffer);
  // Effective, permitted, inheritable; twice.
  const before = new Uint32Array(6);
  if (capget(header, before) !== 0) throw new Error(`capget failed with ${koffi.errno()}`);
  const after = before.slice();
  const number = CAPABILITIES[name];
  const word = number < 32 ? 0 : 3;
  after[word] = before[word]! & ~(1 << (number % 32));
  if (capset(header, after) !== 0) throw new Error(`capset failed with ${koffi.errno()}`);
  try {
    return await action();
  } finally {
    capset(header, before);
  }
}
