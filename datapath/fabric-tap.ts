/** A cluster watched from outside. */
/** Watches frames at the places where a capture would be taken. For cold passes: it may allocate. */
export interface FabricTap {
  /** A frame given to a VM. */
  delivered(vm: number, bytes: Uint8Array, start: number, end: number, time: number): void;
  /** A frame at a NIC that is on a wire, in either direction. */
  underlay(
    host: number,
    port: string,
    direction: "rx" | "tx",
    bytes: Uint8Array,
    start: number,
    end: number,
    time: number,
  ): void;
  /** A frame put on a wire, once. */
  wire(wire: number, bytes: Uint8Array, start: number, end: number, time: number): void;
}
