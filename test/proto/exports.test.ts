import { describe, expect, expectTypeOf, test } from "vitest";
import * as flow from "../../src/gen/flow/flow_pb.js";
import * as observer from "../../src/gen/observer/observer_pb.js";
import * as peer from "../../src/gen/peer/peer_pb.js";
import * as recorder from "../../src/gen/recorder/recorder_pb.js";
import * as relay from "../../src/gen/relay/relay_pb.js";
import * as proto from "../../src/proto.js";

describe("flowscribe/proto", () => {
  test.each(Object.entries({ flow, observer, peer, recorder, relay }))(
    "exports all generated declarations of %s",
    (_name, generated) => {
      const exported = new Set<unknown>(Object.values(proto));
      const missing = Object.entries(generated).filter(([, value]) => !exported.has(value));
      expect(missing.map(([name]) => name)).toEqual([]);
    },
  );

  test("exports observer.TLS as TLS and peer.TLS as PeerTLS", () => {
    expect(proto.TLSSchema.typeName).toBe("observer.TLS");
    expect(proto.PeerTLSSchema.typeName).toBe("peer.TLS");
    expectTypeOf<proto.TLS>().toEqualTypeOf<observer.TLS>();
    expectTypeOf<proto.PeerTLS>().toEqualTypeOf<peer.TLS>();
    expectTypeOf<proto.PeerTLSJson>().toEqualTypeOf<peer.TLSJson>();
  });

  test("has no other name collision", () => {
    const names = [flow, observer, peer, recorder, relay].flatMap((generated) => Object.keys(generated));
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual(["TLSSchema"]);
  });
});
