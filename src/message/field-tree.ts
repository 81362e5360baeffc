/**
 * Fields of a message, by their proto names: `true` for a whole field, a tree for fields of a nested message. A list of
 * messages has one tree for all its elements.
 */
export interface FieldTree {
  readonly [name: string]: FieldTree | true;
}

/**
 * The tree of several field paths, such as `source.labels`; `true` if one of them is empty and therefore names the whole
 * message. A path that contains another one wins: `l4` over `l4.TCP.flags`.
 *
 * ```ts
 * fieldTree(["verdict", "source.labels", "source.identity"]);
 * // { verdict: true, source: { labels: true, identity: true } }
 * ```
 */
export function fieldTree(paths: readonly string[]): FieldTree | true {
  const root: MutableTree = Object.create(null);
  for (const path of paths) {
    if (path === "") return true;
    addPath(root, path.split("."));
  }
  return root;
}

interface MutableTree {
  [name: string]: MutableTree | true;
}

function addPath(root: MutableTree, names: readonly string[]): void {
  let tree = root;
  for (const [index, name] of names.entries()) {
    const child = tree[name];
    if (child === true) return;
    if (index === names.length - 1) tree[name] = true;
    else {
      const next: MutableTree = child ?? Object.create(null);
      tree[name] = next;
      tree = next;
    }
  }
}
