import { ScalarType } from "@bufbuild/protobuf";
import { isUint8Array } from "../../bytes/is-uint8-array.js";
import { Fault } from "../value/fault.js";
import { CelUint, type CelValue, typeNameOf } from "../value/value.js";

export function toScalar(type: ScalarType, value: CelValue): unknown {
  switch (type) {
    case ScalarType.BOOL:
      if (typeof value === "boolean") return value;
      break;
    case ScalarType.STRING:
      if (typeof value === "string") return value;
      break;
    case ScalarType.BYTES:
      if (isUint8Array(value)) return value;
      break;
    case ScalarType.DOUBLE:
      if (typeof value === "number") return value;
      break;
    case ScalarType.FLOAT:
      if (typeof value === "number") return Math.fround(value);
      break;
    case ScalarType.UINT32:
    case ScalarType.FIXED32:
      if (value instanceof CelUint) return inRange(value.value, 0n, 0xffff_ffffn);
      break;
    case ScalarType.UINT64:
    case ScalarType.FIXED64:
      if (value instanceof CelUint) return value.value;
      break;
    case ScalarType.INT32:
    case ScalarType.SINT32:
    case ScalarType.SFIXED32:
      if (typeof value === "bigint") return inRange(value, -0x8000_0000n, 0x7fff_ffffn);
      break;
    default:
      if (typeof value === "bigint") return value;
  }
  throw new Fault(`type conversion error from '${typeNameOf(value)}' to '${ScalarType[type].toLowerCase()}'`);
}

function inRange(value: bigint, least: bigint, most: bigint): number {
  if (value < least || value > most) throw new Fault("range error");
  return Number(value);
}
