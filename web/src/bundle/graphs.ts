/**
 * The table of graphs: one row for each network that is used here, as in Python's `bundle/graphs.py`.
 *
 * A rendition is a row of the role `heads`. The scale map is no network here: `scale_map.ts` computes it in integers.
 */

export const DECODER = "decoder";
export const ENCODER = "encoder";
export const HEADS = "heads";
export const ROLES = [DECODER, ENCODER, HEADS] as const;

export type Role = (typeof ROLES)[number];

/** A network. All tensors are float32 (1, C, H, W). */
export interface Graph {
  readonly name: string; // of the file, without .onnx
  readonly role: Role;
  readonly outputs: readonly string[]; // in this order; [in brackets]: not in every bundle
  readonly needs: "always" | "hyperprior" | "optional"; // hyperprior: in bundles that have one
}

export const TABLE: readonly Graph[] = [
  { name: "synthesis", role: DECODER, outputs: ["x_hat", "[body]", "[render]"], needs: "always" },
  { name: "mean_first", role: DECODER, outputs: ["features", "mean", "[step]"], needs: "hyperprior" },
  { name: "mean_second", role: DECODER, outputs: ["mean", "[step]"], needs: "hyperprior" },
  { name: "wiener", role: DECODER, outputs: ["x_filtered"], needs: "optional" },
  { name: "analysis", role: ENCODER, outputs: ["y"], needs: "always" },
  { name: "hyper_analysis", role: ENCODER, outputs: ["z"], needs: "hyperprior" },
  { name: "detail", role: HEADS, outputs: ["detail"], needs: "optional" },
  { name: "small_2", role: HEADS, outputs: ["x_small"], needs: "optional" },
  { name: "small_4", role: HEADS, outputs: ["x_small"], needs: "optional" },
  { name: "small_8", role: HEADS, outputs: ["x_small"], needs: "optional" },
  { name: "double", role: HEADS, outputs: ["x_double"], needs: "optional" },
];

const GRAPHS = new Map(TABLE.map((graph) => [graph.name, graph]));

/** Returns the row of a graph. Throws RangeError for an unknown name. */
export function graphOf(name: string): Graph {
  const graph = GRAPHS.get(name);
  if (!graph) {
    throw new RangeError(`no graph ${name}`);
  }
  return graph;
}

/** Returns the path of a graph in a bundle. */
export function pathOf(name: string): string {
  return `${graphOf(name).role}/${name}.onnx`;
}

/** Returns the graphs that the decoder of every bundle has, with or without a hyperprior. */
export function due(hyperprior: boolean): Graph[] {
  return TABLE.filter((g) => g.role === DECODER && (g.needs === "always" || (hyperprior && g.needs === "hyperprior")));
}
