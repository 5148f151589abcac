/** For a fabric that has one host of a topology, the others being on other threads: where frames for those go. */
export interface Elsewhere {
  /** The host that is here. */
  readonly host: number;
  /** Takes a copy of the frame for the NIC `member` (host << 16 | port); `time[0]` is its virtual time, ns. */
  send(member: number, view: DataView, start: number, length: number, time: Float64Array): void;
  /** An address was learned on a wire. */
  learned(wire: number, high: number, low: number, member: number): void;
}
