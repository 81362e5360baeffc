// Questions to dns-server.mjs for the sample capture.
// Usage: node dns-client.mjs <DNS server address>
import assert from "node:assert";
import { promises as dns } from "node:dns";
import { isIPv6 } from "node:net";

const [address] = process.argv.slice(2);
const resolver = new dns.Resolver({ timeout: 2000, tries: 2 });
resolver.setServers([isIPv6(address) ? `[${address}]:53` : `${address}:53`]);

const web = "web.default.svc.cluster.local";
assert.deepEqual(await resolver.resolve4(web), ["10.11.0.20"]);
assert.deepEqual(await resolver.resolve6(web), ["fd00:11::20"]);
assert.deepEqual(await resolver.resolve4("dns.kube-system.svc.cluster.local"), ["10.11.0.10"]);
assert.deepEqual(await resolver.resolve4("www.default.svc.cluster.local"), ["10.11.0.20"]);
assert.deepEqual(await resolver.resolve6("www.default.svc.cluster.local"), ["fd00:11::20"]);
assert.deepEqual(await resolver.resolveCname("www.default.svc.cluster.local"), [web]);
assert.equal((await resolver.resolveSrv(`_http._tcp.${web}`))[0].port, 80);
assert.deepEqual(await resolver.reverse("10.11.0.20"), [web]);

// A name that is not there, and a name that is there without an address of this kind.
await assert.rejects(resolver.resolve4("nothing.default.svc.cluster.local"), { code: "ENOTFOUND" });
await assert.rejects(resolver.resolve6("workers.default.svc.cluster.local"), { code: "ENODATA" });

// Truncated over UDP, so the resolver turns to TCP.
assert.equal((await resolver.resolve4("workers.default.svc.cluster.local")).length, 90);
