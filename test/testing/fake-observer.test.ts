import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { createClient } from "@connectrpc/connect";
import { describe, expect, test } from "vitest";
import { type GetFlowsResponse, Observer } from "../../src/gen/observer/observer_pb.js";
import { type GetFlowsRequestInit, Health, openRecorderServer, openTransport } from "../../src/rpc/index.js";
import { fakeClock, fakeObserver, fakeRecorder } from "../../src/testing/index.js";

/** An observer that sees a, loses 3 events, and sees b and c, one second apart; the first at 1 s. */
function observer() {
  const clock = fakeClock(1000);
  const fake = fakeObserver({ clock });
  fake.push({ from: "default/a", uuid: "a" });
  clock.advance(1000);
  fake.lose(3);
  clock.advance(1000);
  fake.push({ from: "default/b", uuid: "b" });
  clock.advance(1000);
  fake.push({ from: "default/c", uuid: "c" });
  return fake;
}

async function responses(request: GetFlowsRequestInit): Promise<GetFlowsResponse[]> {
  const client = createClient(Observer, observer().transport);
  const received: GetFlowsResponse[] = [];
  for await (const response of client.getFlows(request as never)) received.push(response);
  return received;
}

const uuidOf = ({ responseTypes: { case: type, value } }: GetFlowsResponse) =>
  type === "flow" ? value.uuid : type;

describe("fakeObserver: GetFlows", () => {
  const NONE = [{ sourcePod: ["default/x"] }];
  test.each<{ name: string; request: GetFlowsRequestInit; expected: string[] }>([
    { name: "since", request: { since: timestampFromMs(3000) }, expected: ["lostEvents", "b", "c"] },
    { name: "until", request: { until: timestampFromMs(1500) }, expected: ["a", "lostEvents"] },
    { name: "the allowlist", request: { whitelist: NONE }, expected: ["lostEvents"] },
    { name: "the denylist", request: { blacklist: [{}] }, expected: ["lostEvents"] },
    { name: "first", request: { first: true, number: 2n }, expected: ["a", "lostEvents", "b"] },
  ])("$name does not apply to lost events", async ({ request, expected }) => {
    expect((await responses(request)).map(uuidOf)).toEqual(expected);
  });

  test("does not end the stream at a flow after `until` that does not match the filters", async () => {
    const clock = fakeClock(5000);
    const fake = fakeObserver({ clock });
    fake.push({ from: "default/late", uuid: "late" });
    // Flows are not always in the order of their times.
    fake.push({ from: "default/a", uuid: "a", time: timestampFromMs(1000) } as never);
    const client = createClient(Observer, fake.transport);
    const received: unknown[] = [];
    const request = { until: timestampFromMs(2000), whitelist: [{ sourcePod: ["default/a"] }] };
    for await (const response of client.getFlows(request)) received.push(uuidOf(response));
    expect(received).toEqual(["a"]);
  });

  test.each<{ name: string; request: GetFlowsRequestInit }>([
    { name: "field_mask", request: { fieldMask: { paths: ["uuid"] } } },
    {
      name: "experimental.field_mask, as the CLI of v1.16 sends it",
      request: { experimental: { fieldMask: { paths: ["uuid"] } } },
    },
    {
      name: "field_mask before experimental.field_mask",
      request: { fieldMask: { paths: ["uuid"] }, experimental: { fieldMask: { paths: ["verdict"] } } },
    },
    {
      name: "experimental.field_mask beside an empty field_mask",
      request: { fieldMask: { paths: [] }, experimental: { fieldMask: { paths: ["uuid"] } } },
    },
  ])("respects $name", async ({ request }) => {
    const [first] = await responses(request);
    expect(first).toMatchObject({ nodeName: "default/fake-node", time: timestampFromMs(1000) });
    expect(first?.responseTypes.value).toMatchObject({ uuid: "a", nodeName: "", verdict: 0 });
    expect(first?.responseTypes.value).not.toHaveProperty("source.podName");
  });

  test("keeps all fields with an empty mask", async () => {
    const [first] = await responses({ experimental: { fieldMask: { paths: [] } } });
    expect(first?.responseTypes.value).toMatchObject({ uuid: "a", source: { podName: "a" } });
  });

  test.each([{ fieldMask: { paths: ["nothing"] } }, { experimental: { fieldMask: { paths: ["nothing"] } } }])(
    "%j is INVALID_ARGUMENT",
    async (request) => {
      await expect(responses(request)).rejects.toThrow(
        '[invalid_argument] invalid fieldmask: invalid path "nothing"',
      );
    },
  );
});

describe("fakeObserver in openRecorderServer", () => {
  test.each(["", "recorder.Recorder", "observer.Observer", "hubble.server.Observer"])(
    "health of %j is SERVING",
    async (service) => {
      await using server = await openRecorderServer("127.0.0.1:0", fakeRecorder().service, {
        routes: fakeObserver().routes,
      });
      await using transport = openTransport(server.address);
      const client = createClient(Health, transport) as unknown as {
        check(request: object): Promise<{ status: number }>;
      };
      expect(await client.check({ service })).toMatchObject({ status: 1 });
    },
  );

  test("health of the Observer is NOT_FOUND without an Observer", async () => {
    await using server = await openRecorderServer("127.0.0.1:0", fakeRecorder().service);
    await using transport = openTransport(server.address);
    const client = createClient(Health, transport) as unknown as {
      check(request: object): Promise<{ status: number }>;
    };
    await expect(client.check({ service: "hubble.server.Observer" })).rejects.toThrow("[not_found]");
  });
});
