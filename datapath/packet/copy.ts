/**
 * Copies a frame without making a view: `set(subarray())` allocates about 100 bytes a call, which the hit path may not.
 * Four bytes at a time through DataView, whose unaligned loads V8 compiles to one instruction. Measured in one run for
 * 60 / 1500 bytes: this 17 / 424 ns, set(subarray()) 50 / 458, copyWithin in one buffer 36 / 434, a byte loop 44 / 1022.
 */
export function copyBytes(from: DataView, fromAt: number, to: DataView, toAt: number, length: number): void {
  let i = 0;
  for (; i + 16 <= length; i += 16) {
    to.setInt32(toAt + i, from.getInt32(fromAt + i, true), true);
    to.setInt32(toAt + i + 4, from.getInt32(fromAt + i + 4, true), true);
    to.setInt32(toAt + i + 8, from.getInt32(fromAt + i + 8, true), true);
    to.setInt32(toAt + i + 12, from.getInt32(fromAt + i + 12, true), true);
  }
  for (; i + 4 <= length; i += 4) to.setInt32(toAt + i, from.getInt32(fromAt + i, true), true);
  for (; i < length; i++) to.setUint8(toAt + i, from.getUint8(fromAt + i));
}
