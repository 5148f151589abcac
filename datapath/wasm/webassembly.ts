/** The part of the WebAssembly JavaScript API that is used here: @types/node has none of it, and lib.dom is a browser's. */
declare global {
  namespace WebAssembly {
    class Module {
      constructor(bytes: Uint8Array<ArrayBuffer>);
    }
    class Memory {
      constructor(options: { initial: number; maximum: number; shared: true });
      readonly buffer: SharedArrayBuffer;
      /** Returns the pages there were. */
      grow(pages: number): number;
    }
    type Exports = Readonly<Record<string, (...args: number[]) => number>>;
    class Instance {
      constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, Memory>>>>);
      readonly exports: Exports;
    }
  }
}

export {};
