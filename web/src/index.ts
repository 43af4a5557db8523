/** The public names. */

export { Planes, type Tensor } from "./arrays.js";
export type { Bundle, LoadOptions } from "./bundle/bundle.js";
export type { Networks } from "./bundle/networks.js";
export { fromUrl, type Source } from "./bundle/source.js";
export type { Stage } from "./codec/boxes.js";
export { readHead, type Header, type Mode } from "./container/chunks.js";
export type { Metadata, Space } from "./container/extras.js";
export type { Picture, Region } from "./codec/decoder.js";
export { info, type Info } from "./codec/file_info.js";
export { decode, load, release, type Options } from "./decode.js";
export { encode } from "./encode.js";
export type { EncodeOptions, EncodeRequest } from "./codec/encoder.js";
export { BundleError, FormatError, LimitError, SkoshError } from "./errors.js";
export { configure, type Settings } from "./settings.js";
