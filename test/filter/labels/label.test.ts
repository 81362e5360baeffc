import { describe, expect, test } from "vitest";
import { parseLabel } from "../../../src/filter/labels/label.js";

describe("parseLabel", () => {
  test.each([
    { text: "k8s:app=web", source: "k8s", key: "app", value: "web" },
    { text: "k8s:app", source: "k8s", key: "app", value: "" },
    { text: "k8s:app=", source: "k8s", key: "app", value: "" },
    { text: "k8s:app=a=b", source: "k8s", key: "app", value: "a=b" },
    { text: "k8s:app:x=b", source: "k8s", key: "app:x", value: "b" },
    { text: "K8S:app=web", source: "K8S", key: "app", value: "web" },
    { text: "app=web", source: "unspec", key: "app", value: "web" },
    { text: "app", source: "unspec", key: "app", value: "" },
    { text: "", source: "unspec", key: "", value: "" },
    { text: "=web", source: "unspec", key: "", value: "web" },
    { text: ":app=web", source: "unspec", key: "app", value: "web" },
    { text: ":", source: "unspec", key: "", value: "" },
    { text: "::app", source: "unspec", key: ":app", value: "" },
    { text: "app=a:b", source: "app=a", key: "b", value: "" },
    { text: "app=a:b=c", source: "app=a", key: "b", value: "c" },
    { text: " k8s:app=web", source: " k8s", key: "app", value: "web" },
    { text: "reserved:host", source: "reserved", key: "host", value: "" },
    { text: "reserved:host=x", source: "reserved", key: "host", value: "x" },
    { text: "reserved:=host", source: "reserved", key: "host", value: "" },
    { text: "reserved:=host=x", source: "reserved", key: "host=x", value: "" },
    { text: "reserved.host", source: "reserved", key: "host", value: "" },
    { text: "reserved.=host", source: "reserved", key: "host", value: "" },
    { text: "reserved.host:x", source: "reserved.host", key: "x", value: "" },
    { text: "reserved.host=a:x", source: "reserved.host=a", key: "x", value: "" },
    { text: "reserved", source: "unspec", key: "reserved", value: "" },
    { text: "$host", source: "reserved", key: "host", value: "" },
    { text: "$=host", source: "reserved", key: "host", value: "" },
    { text: "$k8s:app=x", source: "reserved", key: "k8s:app", value: "x" },
    { text: "$", source: "reserved", key: "", value: "" },
    { text: "k8s:=x", source: "k8s", key: "", value: "x" },
    { text: "cidr:10.0.0.0/8", source: "cidr", key: "10.0.0.0/8", value: "" },
    { text: "unspec:app", source: "unspec", key: "app", value: "" },
    { text: "any:app=é", source: "any", key: "app", value: "é" },
  ])("reads $text", ({ text, source, key, value }) => {
    expect(parseLabel(text)).toEqual({ source, key, value });
  });
});
