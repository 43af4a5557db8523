/** The public names. */

export { Planes, type Tensor } from "./arrays.js";
export { load, type Bundle, type LoadOptions } from "./bundle/bundle.js";
export type { Networks } from "./bundle/networks.js";
export { configure, type Runtime } from "./bundle/onnx.js";
export { fromUrl, type Source } from "./bundle/source.js";
export { readHead, type Header, type Mode } from "./container/chunks.js";
export type { Metadata, Space } from "./container/extras.js";
export { decode, type DecodeOptions, type Picture, type Region } from "./codec/decoder.js";
export { info, type Info } from "./codec/file_info.js";
export { BundleError, FormatError, LimitError, SkoshError } from "./errors.js";
