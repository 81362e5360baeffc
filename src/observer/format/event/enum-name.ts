import type { DescEnum } from "@bufbuild/protobuf";

/** Returns the protobuf name of an enum value, or its number if it has no name. */
export function enumName(schema: DescEnum, number: number): string {
  return schema.value[number]?.name ?? String(number);
}
