/**
 * ofproto/trace letter by letter: what Open vSwitch 3.1 printed in each of the situations of trace-situations.ts
 * (test/golden/ovs-traces.json.gz, made by record-traces.ts), and what we print.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { readCase } from "../../bench/ovs-cases/case.ts";
import { CaseSwitch, runEvent } from "../../bench/ovs-cases/run-case.ts";
import { traceText } from "../../bench/ovs-cases/trace-case.ts";
import { packageRoot } from "../../bench/paths.ts";
import { comparable } from "./comparable-trace.ts";
import { caseOf } from "./situation.ts";
import { DATAPATH } from "./situations-datapath.ts";
import { situations } from "./trace-situations.ts";

interface Recording {
  readonly records: readonly { readonly name: string; readonly texts: readonly string[] }[];
}
const recording = JSON.parse(
  gunzipSync(readFileSync(join(packageRoot, "test", "golden", "ovs-traces.json.gz"))).toString(),
) as Recording;
const recorded = new Map(recording.records.map(({ name, texts }) => [name, texts]));

/** Where we print something else on purpose: situation and number of the trace. */
const DIFFERENT: Readonly<Record<string, string>> = {
  "fin-timeout 0": "the megaflow tells FIN and RST, see datapath/translate/README.md",
  "fin-timeout 1": "the same",
  "packet-types 5": "Open vSwitch also prints fields of connection tracking",
  "packet-types 6": "the same",
};

for (const situation of situations) {
  test(`ofproto/trace: ${situation.name}`, () => {
    const texts = recorded.get(situation.name)!;
    const host = new CaseSwitch(readCase(caseOf(situation), situation.name));
    for (const event of situation.before ?? [])
      runEvent(host, readCase({ ...caseOf(situation), packets: [event] }, "").packets[0]!);
    situation.traces.forEach(([bridge, flow, ...rest], i) => {
      if (DIFFERENT[`${situation.name} ${i}`] !== undefined) return;
      let text: string;
      try {
        text = traceText(host.switch, host.bridge(bridge === DATAPATH ? situation.bridges[0]!.name : bridge!), flow!, {
          now: host.now,
          frame: rest.find((a) => a !== "-generate"),
          generate: rest.includes("-generate"),
        });
      } catch (error) {
        text = `error: ${(error as Error).message}`;
      }
      assert.equal(comparable(text), comparable(texts[i]!), `trace ${situation.traces[i]!.join(" ")}`);
    });
  });
}
