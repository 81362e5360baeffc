import type { DescEnum } from "@bufbuild/protobuf";

/** The name of an enum value as protobuf writes it, or its number when the enum does not name it. */
export function enumName(schema: DescEnum, number: number): string {
  return schema.value[number]?.name ?? String(number);
}
