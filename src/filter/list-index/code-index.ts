import type { Flow } from "../../gen/flow/flow_pb.js";
import type { HttpStatusPattern } from "../pattern/http-status.js";
import type { FlowIndex, FlowTest } from "./flow-index.js";

/** An index by status codes: of one code, or of all that begin with one or two digits. */
export function statusIndex(
  cost: number,
  read: (flow: Flow) => number | undefined,
): FlowIndex<HttpStatusPattern> {
  return {
    cost,
    nameOf: ({ first, last }) => 1000 * first + last,
    compile(buckets) {
      /** By the code, by its first two digits, by its first digit. */
      const [codes, tens, hundreds]: FlowTest[][] = [[], [], []];
      for (const { value, test } of buckets) {
        const { first, last } = value;
        if (first === last) codes![first] = test;
        else if (last - first < 10) tens![first / 10] = test;
        else hundreds![first / 100] = test;
      }
      return (flow) => {
        const code = read(flow);
        if (code === undefined || code === 0) return false;
        let leading = code >>> 0;
        if (leading < 1000 && codes![leading]?.(flow) === true) return true;
        while (leading >= 1000) leading = Math.floor(leading / 10);
        return (
          tens![Math.floor(leading / 10)]?.(flow) === true ||
          hundreds![Math.floor(leading / 100)]?.(flow) === true
        );
      };
    },
  };
}

/** An index by a few flags: all bits of the value must be set in the flow. */
export function flagsIndex(cost: number, read: (flow: Flow) => number | undefined): FlowIndex<number> {
  return {
    cost,
    nameOf: (value) => value,
    compile(buckets) {
      // Flows have few of the possible combinations.
      const candidates: (readonly FlowTest[])[] = [];
      return (flow) => {
        const bits = read(flow);
        if (bits === undefined) return false;
        candidates[bits] ??= buckets.filter(({ value }) => (bits & value) === value).map(({ test }) => test);
        const tests = candidates[bits];
        for (let index = 0; index < tests.length; index++) if (tests[index]!(flow)) return true;
        return false;
      };
    },
  };
}
