/**
 * Asks a private Open vSwitch what ofproto/trace prints in each of the situations of trace-situations.ts, and writes
 * test/golden/ovs-traces.json.gz:
 *
 *     node dist/test/ovs/record-traces.js [NAME…]      names: only show these, write nothing
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { packageRoot } from "../../bench/paths.ts";
import { Oracle } from "../conformance/oracle.ts";
import { caseOf } from "./situation.ts";
import { situations } from "./trace-situations.ts";

const wanted = process.argv.slice(2);
const oracle = await Oracle.start();
try {
  const records: { name: string; texts: string[] }[] = [];
  for (const situation of situations) {
    if (wanted.length > 0 && !wanted.some((name) => situation.name.includes(name))) continue;
    try {
      const texts = await oracle.traceTexts(caseOf(situation), situation.traces);
      records.push({ name: situation.name, texts });
      for (const [i, text] of texts.entries()) {
        if (wanted.length > 0) console.log(`# ${situation.traces[i]!.join(" ")}\n${text}`);
      }
    } catch (error) {
      console.error(`${situation.name}: ${(error as Error).message}`);
      process.exitCode = 1;
    }
  }
  if (wanted.length === 0) {
    const version = (await oracle.version()).split("\n")[0]!;
    const target = join(packageRoot, "test", "golden", "ovs-traces.json.gz");
    writeFileSync(target, gzipSync(JSON.stringify({ source: version, records }), { level: 9 }));
    const count = records.reduce((sum, { texts }) => sum + texts.length, 0);
    console.log(`${count} answers of ${version} in ${records.length} situations`);
  }
} finally {
  oracle.close();
}
