// Replaces the functions of @bufbuild/protobuf/codegenv2 in the bundle, so that a descriptor is decoded when one of its
// properties is first read. Generated code calls these functions while it is loaded: decoding all of Hubble's files, and
// the description of descriptors itself, takes 10 to 20 ms, and many programs never read a descriptor.
import { lazyFile, lazyPart } from "./lazy-descriptor.js";

// In this order: the modules of protobuf-es call the functions below while they are loaded.

import type { DescEnum, DescFile, DescMessage, DescService } from "@bufbuild/protobuf";
import * as eager from "@bufbuild/protobuf/codegenv2";

export * from "@bufbuild/protobuf/codegenv2";

type Path = [number, ...number[]];

export function fileDesc(base64: string, imports?: readonly DescFile[]): DescFile {
  return lazyFile(() => eager.fileDesc(base64, imports && [...imports]));
}

/** The same for the description of descriptors, which is an object. */
export function boot(init: Parameters<typeof eager.boot>[0]): DescFile {
  return lazyFile(() => eager.boot(init));
}

export function messageDesc(file: DescFile, ...path: Path): DescMessage {
  return lazyPart("message", file, (built) => eager.messageDesc(built, ...path));
}

export function enumDesc(file: DescFile, ...path: Path): DescEnum {
  return lazyPart("enum", file, (built) => eager.enumDesc(built, ...path));
}

export function serviceDesc(file: DescFile, index: number): DescService {
  return lazyPart("service", file, (built) => eager.serviceDesc(built, index));
}
