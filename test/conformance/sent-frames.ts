import { closeSync, fstatSync, openSync, readSync, rmSync } from "node:fs";

/** Frames that the switch sent from a port since the last look: the tail of the pcap file that it writes. */
export class SentFrames {
  readonly path: string;
  private file = -1;
  private offset = 24;

  constructor(path: string) {
    this.path = path;
  }

  take(): string[] {
    if (this.file < 0) this.file = openSync(this.path, "r");
    const { size } = fstatSync(this.file);
    const bytes = Buffer.alloc(Math.max(0, size - this.offset));
    if (bytes.length > 0) readSync(this.file, bytes, 0, bytes.length, this.offset);
    const frames: string[] = [];
    let at = 0;
    while (at + 16 <= bytes.length) {
      const end = at + 16 + bytes.readUInt32LE(at + 8);
      if (end > bytes.length) break;
      frames.push(bytes.toString("hex", at + 16, end));
      at = end;
    }
    this.offset += at;
    return frames;
  }

  remove(): void {
    if (this.file >= 0) closeSync(this.file);
    rmSync(this.path, { force: true }); // Or the next port of that name would append to it.
  }
}
