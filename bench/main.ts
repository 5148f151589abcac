#!/usr/bin/env node
/** `eastwest`: signals are looked after before the rest of the program is loaded, which takes a while. */
import { watchSignals } from "./interrupt.ts";

watchSignals();
const { main } = await import("./program.ts");
await main();
