/** CRC-32, as in PNG, zlib and ZIP. */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) {
    value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  }
  return value;
});

/** Returns the checksum of bytes, or goes on from that of the bytes before them. */
export function crc32(data: Uint8Array, before = 0): number {
  let value = ~before;
  for (let i = 0; i < data.length; i++) {
    value = (value >>> 8) ^ TABLE[(value ^ data[i]) & 255];
  }
  return ~value >>> 0;
}
