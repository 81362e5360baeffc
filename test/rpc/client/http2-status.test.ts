import { describe, expect, test } from "vitest";
import { resetError, responseError } from "../../../src/rpc/client/http2-status.js";

describe("resetError", () => {
  // https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#http2-transport-mapping
  test.each([
    [0, "INTERNAL"],
    [1, "INTERNAL"],
    [2, "INTERNAL"],
    [3, "INTERNAL"],
    [4, "INTERNAL"],
    [6, "INTERNAL"],
    [7, "UNAVAILABLE"],
    [8, "CANCELLED"],
    [9, "INTERNAL"],
    [10, "INTERNAL"],
    [11, "RESOURCE_EXHAUSTED"],
    [12, "PERMISSION_DENIED"],
    [99, "UNKNOWN"],
  ])("returns gRPC's status for RST_STREAM %i: %s", (code, status) => {
    expect(resetError(code)).toMatchObject({ status, cause: { http2Code: code } });
  });
});

describe("responseError", () => {
  test.each([
    { http: 200, type: "application/grpc", status: undefined },
    { http: 200, type: "application/grpc+proto", status: undefined },
    { http: 200, type: "text/html", status: "UNKNOWN" },
    { http: 200, type: undefined, status: "UNKNOWN" },
    { http: 404, type: "text/html", status: "UNIMPLEMENTED" },
    { http: 401, type: undefined, status: "UNAUTHENTICATED" },
    { http: 503, type: undefined, status: "UNAVAILABLE" },
    { http: 500, type: undefined, status: "UNKNOWN" },
  ])("returns gRPC's status for HTTP $http with $type: $status", ({ http, type, status }) => {
    expect(responseError(http, type)?.status).toBe(status);
  });
});
