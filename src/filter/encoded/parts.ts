import type { FieldTree } from "../../message/field-tree.js";

/** A part of a flow that is decoded at once. */
export interface Part {
  /** One field of the flow, or some of its fields. */
  readonly tree: FieldTree;
  /** Whether the field with this path belongs to it. */
  readonly holds: (path: string) => boolean;
}

/** Lists that take long to decode are parts of their own. They are not below a oneof, where the order would matter. */
const LISTS: Readonly<Record<string, string>> = { source: "labels", destination: "labels" };

/** Divides the fields that filters read into parts. */
export function partsOf(tree: FieldTree): readonly Part[] {
  return Object.entries(tree).flatMap(([name, below]): Part[] => {
    const list = LISTS[name];
    const labels = list === undefined || below === true ? undefined : below[list];
    if (list === undefined || below === true || labels === undefined) {
      return [{ tree: { [name]: below }, holds: (path) => path === name || path.startsWith(`${name}.`) }];
    }
    const { [list]: _, ...rest } = below;
    const isList = (path: string) => path === `${name}.${list}`;
    const own: Part = { tree: { [name]: { [list]: labels } }, holds: isList };
    if (Object.keys(rest).length === 0) return [own];
    return [own, { tree: { [name]: rest }, holds: (path) => path.startsWith(`${name}.`) && !isList(path) }];
  });
}
