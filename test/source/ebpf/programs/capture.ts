/**
 * Captures from a device with eBPF until a line comes in: `capture.ts <device> [filters] [kernel release to assume]`. The first filter is for UDP to port
 * 53, the others, of both families, never match. Prints READY, or the error, and at the end the received packets.
 */
import { once } from "node:events";
import { FlowscribeError } from "../../../../src/errors/errors.js";
import { open } from "../../../../src/source/ebpf/open.js";

const [device = "", count = "0", release] = process.argv.slice(2);
const include = Array.from({ length: Number(count) }, (_, index) =>
  index === 0
    ? { sourceCidr: "10.77.0.1/32", destinationCidr: "10.77.0.0/24", protocol: 17, destinationPort: 53 }
    : index % 2 === 0
      ? {
          sourceCidr: `192.168.${index % 256}.0/24`,
          destinationCidr: `10.77.${index >> 8}.0/24`,
          sourcePort: index,
        }
      : { sourceCidr: `2001:db8::${index}/128`, destinationCidr: `2001:db8:${index}::/48`, protocol: 6 },
);
try {
  const options = include.length === 0 ? {} : { include };
  const source = await open(device, options, release === undefined ? {} : { context: { release } });
  console.log("READY");
  once(process.stdin, "data").then(() => source.stop());
  let received = 0;
  for await (const batch of source.reusedBatches()) received += batch.length;
  await source[Symbol.asyncDispose]();
  console.log(JSON.stringify({ received, dropped: source.stats().dropped }));
  process.exit(0);
} catch (error) {
  if (!(error instanceof FlowscribeError)) throw error;
  console.log(JSON.stringify({ code: error.code, message: error.message }));
  process.exit(1);
}
