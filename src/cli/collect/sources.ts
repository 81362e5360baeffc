import { optionsOf } from "../../errors/check-options.js";
import {
  aBoolean,
  aListOf,
  anInteger,
  aPath,
  aString,
  checkedElsewhere,
  required,
} from "../../errors/value-checks.js";
import { type FlowFilterInit, toFlowFilter } from "../../filter/filter-init.js";
import type { EventSource } from "../../observer/events/event-source.js";
import { observerSource } from "../../rpc/index.js";
import { openServer } from "../client/connect.js";
import { readServerOptions } from "../client/options.js";
import type { Kinds } from "./kind.js";
import { aSecret, checkSecret, readSecret, type Secret } from "./secret.js";

/** A source that was opened. Disposing of it closes its connection. */
export interface OpenedSource extends AsyncDisposable {
  readonly source: EventSource;
}

/** How to reach a Hubble server or Relay, and which flows it sends. */
export interface ObserverConfig {
  readonly server: string;
  readonly tls?: boolean;
  readonly tlsCaCertFiles?: readonly string[];
  readonly tlsClientCertFile?: string;
  readonly tlsClientKeyFile?: string;
  readonly tlsServerName?: string;
  readonly basicAuthUsername?: string;
  readonly basicAuthPassword?: Secret;
  /** Filters that the server applies, as of `GetFlowsRequest`. */
  readonly allow?: readonly FlowFilterInit[];
  readonly deny?: readonly FlowFilterInit[];
  /** How many of the latest flows to begin with when there is no checkpoint; default 0: only new ones. */
  readonly last?: number;
}

/** Exactly one of these. */
export interface SourceConfig {
  readonly observer?: ObserverConfig;
}

export const SOURCES: Kinds<SourceConfig, OpenedSource> = {
  observer: {
    check: optionsOf<ObserverConfig>("observer", {
      server: required(aString),
      tls: aBoolean,
      tlsCaCertFiles: aListOf(aPath),
      tlsClientCertFile: aPath,
      tlsClientKeyFile: aPath,
      tlsServerName: aString,
      basicAuthUsername: aString,
      basicAuthPassword: aSecret,
      // Checked with all other filters.
      allow: checkedElsewhere,
      deny: checkedElsewhere,
      last: anInteger(0),
    }),
    checkSecrets({ basicAuthPassword }, path, { env }, report) {
      checkSecret(basicAuthPassword, `${path}.basicAuthPassword`, env, report);
    },
    async open(config, { io, messages }) {
      const { server: address, basicAuthPassword, allow = [], deny = [], last = 0 } = config;
      const password =
        basicAuthPassword && readSecret(basicAuthPassword, "basicAuthPassword", io.env, throwIssue);
      // Never undefined, as there is an address.
      const options = readServerOptions(
        {
          server: address,
          ...(config.tls !== undefined && { tls: config.tls }),
          ...(config.tlsCaCertFiles && { "tls-ca-cert-files": [...config.tlsCaCertFiles] }),
          ...(config.tlsClientCertFile && { "tls-client-cert-file": config.tlsClientCertFile }),
          ...(config.tlsClientKeyFile && { "tls-client-key-file": config.tlsClientKeyFile }),
          ...(config.tlsServerName && { "tls-server-name": config.tlsServerName }),
          ...(config.basicAuthUsername && { "basic-auth-username": config.basicAuthUsername }),
          ...(password && { "basic-auth-password": password }),
        },
        // The environment of the Hubble CLI does not configure a collector.
        { env: {} },
      )!;
      const opened = await openServer(options, io, messages);
      const toFilters = (filters: readonly FlowFilterInit[]) =>
        filters.map((filter) => toFlowFilter(filter, "", throwIssue));
      const request = {
        whitelist: toFilters(allow),
        blacklist: toFilters(deny),
        follow: true,
        number: BigInt(last),
      };
      return {
        source: observerSource(opened.transport, request, { clock: io.clock }),
        [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
      };
    },
  },
};

function throwIssue(path: string, message: string): never {
  throw new Error(`${path}: ${message}`);
}
