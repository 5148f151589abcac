import assert from "node:assert/strict";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { controlBuffer, Meeting, POISONED, Supervisor } from "../../workers/control.ts";
import { Tally, tallyBuffer } from "../../workers/tally.ts";

/** What a thread does: meets many times, each time with a flag of its own or none, and sees what all brought. */
const source = `
  const { parentPort, workerData } = require("node:worker_threads");
  Promise.all([import(workerData.control), import(workerData.tally)]).then(([{ Meeting }, { Tally }]) => {
    const { buffer, rows, worker, workers, meetings } = workerData;
    const meeting = new Meeting(buffer, worker, workers);
    const tally = new Tally(rows, meeting, 2);
    let wrong = 0;
    try {
      for (let n = 0; n < meetings; n++) {
        const brought = (n + worker) % 3 === 0 ? 1 << worker : 0;
        let expected = 0;
        for (let w = 0; w < workers; w++) if ((n + w) % 3 === 0) expected |= 1 << w;
        if (meeting.meet(brought) !== expected) wrong++;
        if (n % 5 === 0 && meeting.agree(worker === 0 ? n : -1) !== n) wrong++;
        if (n % 7 === 0) {
          const [sum, ones] = tally.sum(Float64Array.of(n * worker, 1));
          if (ones !== workers || sum !== (n * workers * (workers - 1)) / 2) wrong++;
        }
      }
      parentPort.postMessage({ wrong, met: meeting.stats[0] });
    } catch (error) {
      parentPort.postMessage({ error: error.message });
    }
  });
`;

interface Said {
  readonly wrong?: number;
  readonly error?: string;
}

function start(
  workers: number,
  meetings: (worker: number) => number,
): { supervisor: Supervisor; said: readonly Promise<Said>[] } {
  const supervisor = new Supervisor(controlBuffer());
  const rows = tallyBuffer(workers, 2);
  const control = new URL("../../workers/control.js", import.meta.url).href;
  const tally = new URL("../../workers/tally.js", import.meta.url).href;
  const said = Array.from({ length: workers }, (_, worker) => {
    const workerData = { buffer: supervisor.buffer, rows, worker, workers, meetings: meetings(worker), control, tally };
    const thread = new Worker(source, { eval: true, workerData });
    return new Promise<Said>((resolve, reject) => {
      thread.once("message", resolve);
      thread.once("error", reject);
    });
  });
  return { supervisor, said };
}

test("what one brings all see, at every meeting", async () => {
  for (const workers of [2, 5]) {
    const { said } = start(workers, () => 400);
    for (const { wrong, error } of await Promise.all(said)) assert.deepEqual([wrong, error], [0, undefined]);
  }
});

test("who waits for somebody that does not come is freed by poison", async () => {
  const { supervisor, said } = start(3, (worker) => (worker === 1 ? 100 : 200));
  await said[1];
  supervisor.poison();
  const results = await Promise.all(said);
  assert.deepEqual(
    results.map(({ error }) => error),
    [POISONED, undefined, POISONED],
  );
});

test("alone nobody waits", () => {
  const meeting = new Meeting(controlBuffer(), 0, 1);
  for (let n = 0; n < 10; n++) assert.equal(meeting.meet(n), n);
  assert.equal(meeting.agree(-5), -5);
  assert.deepEqual([...new Tally(tallyBuffer(1, 1), meeting, 1).sum(Float64Array.of(3))], [3]);
});
