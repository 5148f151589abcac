/**
 * The copy of a frame within the memory of packets, 16 bytes at a time. A clone of a frame of 1,020 bytes takes 45 ns,
 * copyBytes 410; of one of 60 bytes 10, copyBytes 30 (as everything there, with an address that changes).
 */
import {
  add,
  assemble,
  Func,
  I32,
  isZero,
  type Local,
  less,
  lessSigned,
  load8,
  load128,
  sub,
} from "../wasm/assembler.ts";

export interface CopyKernel {
  /** `length` bytes from address `from` to address `to`; the two may not overlap. */
  copy(from: number, to: number, length: number): void;
}

/** Code that does so; it uses up `from` and `to`. `n` is scratch. */
export function copyFrame(func: Func, from: Local, to: Local, length: Local, n: Local): void {
  func.if(
    less(length, 16),
    () => {
      func.loop(n, 0, length, () => func.store8(add(to, n), 0, load8(add(from, n))));
    },
    () => {
      // The last block ends with the frame and may cover some of the one before: nothing is written behind the frame.
      func.set(n, sub(length, 16));
      func.store128(add(to, n), 0, load128(add(from, n)));
      func.forever((blocks) => {
        func.leave(blocks, isZero(lessSigned(0, n)));
        func.store128(to, 0, load128(from));
        func.set(to, add(to, 16));
        func.set(from, add(from, 16));
        func.set(n, sub(n, 16));
      });
    },
  );
}

function copy(): Func {
  const func = new Func("copy", 3, false);
  const [from, to, length] = func.params;
  copyFrame(func, from, to, length, func.local(I32));
  return func;
}

export const copyModule = new WebAssembly.Module(assemble([copy()]));
