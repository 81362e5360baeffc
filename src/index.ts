export * from "./cel/index.js";
export * from "./errors/errors.js";
export * from "./filter/index.js";
export * from "./net/index.js";
export * from "./observer/index.js";
export * from "./packet/index.js";
export * from "./pcap/index.js";
export * from "./recorder/index.js";
