/**
 * The registry of match fields: every field of Open vSwitch's ovs-fields(7) but conntrack, NSH, tunnel metadata (TLVs) and
 * experimenter fields, which are refused by name (`refusedField`).
 */
import type { Field } from "./field.ts";
import type { FieldRow } from "./field-row.ts";
import { ETHERNET_FIELDS } from "./field-rows-ethernet.ts";
import { IP_FIELDS } from "./field-rows-ip.ts";
import { METADATA_FIELDS } from "./field-rows-metadata.ts";
import { TRANSPORT_FIELDS } from "./field-rows-transport.ts";

const BYTES: readonly number[] = [1, 2, 4, 6, 8, 16];

const fieldOf = (row: FieldRow, id: number): Field => ({
  id,
  name: row.name,
  aliases: [row.also, row.nxm, row.oxm, row.oxm2].filter((alias) => alias !== undefined),
  nxm: row.nxm ?? row.oxm,
  oxm: row.oxm,
  bits: row.bits,
  bytes: row.bytes ?? BYTES.find((n) => n * 8 >= row.bits)!,
  pieces: row.pieces,
  maskable: row.exact !== true,
  writable: row.readOnly !== true,
  prerequisite: row.need ?? "none",
  format: row.format,
});

/** All fields, index = id: the order is OVS's. */
export const fields: readonly Field[] = [...METADATA_FIELDS, ...ETHERNET_FIELDS, ...IP_FIELDS, ...TRANSPORT_FIELDS].map(
  fieldOf,
);

const byName = new Map<string, Field>();
const bySubfieldName = new Map<string, Field>();
for (const field of fields) {
  for (const name of [field.name, ...field.aliases]) {
    if (!/^(NX|OXM|ONFOXM)/.test(name)) byName.set(name, field);
    bySubfieldName.set(name, field);
  }
}

/** The field with that ovs-ofctl name or alias ("eth_src", "dl_src"), or undefined. Case counts. */
export function findField(name: string): Field | undefined {
  return byName.get(name);
}

/** As `findField`, or by its NXM or OXM name: what may stand before the brackets of a subfield. */
export function findSubfieldName(name: string): Field | undefined {
  return bySubfieldName.get(name);
}

/** The field with that name; throws when there is none (for names written in this code). */
export function fieldNamed(name: string): Field {
  const field = findField(name);
  if (field === undefined) throw new Error(`field ${name} is not in the registry`);
  return field;
}

/** Why a field of ovs-fields(7) is not in the registry, or undefined when the name means nothing to OVS either. */
export function refusedField(name: string): string | undefined {
  const lower = name.toLowerCase();
  if (/^(nxm_nx_)?ct_(state|zone|mark|label|nw_src|nw_dst|nw_proto|tp_src|tp_dst|ipv6_src|ipv6_dst)$/.test(lower)) {
    return "connection tracking is not supported";
  }
  if (/^(nxoxm_)?nsh_|^(nsp|nsi|nshc[1-4])$/.test(lower)) return "NSH is not supported";
  if (/^(nxm_nx_)?tun_metadata\d+$/.test(lower)) return "tunnel metadata (TLV options) is not supported";
  if (/^nd_(reserved|options_type)$|^ericoxm_of_icmpv6_nd_/.test(lower)) return "experimenter fields are not supported";
  return undefined;
}
