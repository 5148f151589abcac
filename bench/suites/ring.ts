/** Rings between threads (workers/frame-ring.ts), both ends on this one: what a frame costs without waiting for anybody. */
import { copyBytes } from "../../datapath/packet/copy.ts";
import { BURST } from "../../datapath/packet/packet-batch.ts";
import { RingReader, RingWriter, ringBuffer } from "../../workers/frame-ring.ts";
import { burstTask } from "./fixture.ts";
import type { Suite, Task } from "./harness.ts";

const SLOTS = 1024;

/** A burst in and out again; `copied`: with the frame's bytes in and out, as between two hosts. */
function ring(name: string, bytes: number, copied: boolean): Task {
  return burstTask(name, () => {
    const { buffer, shape } = ringBuffer(SLOTS, bytes);
    const writer = new RingWriter(buffer, shape);
    const reader = new RingReader(buffer, shape);
    const frames = new DataView(new ArrayBuffer(BURST * shape.stride));
    const time = Float64Array.of(0.5);
    let sum = 0;
    return () => {
      for (let i = 0; i < BURST; i++) {
        const at = writer.slot();
        if (copied) copyBytes(frames, i * shape.stride, writer.view, at, bytes);
        writer.wrote(bytes, i, time);
      }
      writer.publish();
      const count = reader.count;
      for (let n = 0; n < count; n++) {
        if (copied) copyBytes(reader.view, reader.at(n), frames, n * shape.stride, reader.length(n));
        else sum = (sum + reader.length(n) + reader.meta(n)) | 0;
      }
      reader.release(count);
      if (count !== BURST || sum === 1) throw new Error(`${name}: ${count} frames came out, expected ${BURST}`);
    };
  });
}

export const suite: Suite = {
  name: "ring",
  tasks: [
    ring("ring: push and pop a burst, no bytes copied", 60, false),
    ring("ring: push and pop a burst of 60 bytes", 60, true),
    ring("ring: push and pop a burst of 1,500 bytes", 1500, true),
  ],
};
