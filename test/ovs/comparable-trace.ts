/**
 * A trace without what is by chance or of a kind that need not be equal: recirculation ids, scores of a hash, the order of a
 * flood, what an error says, and whether the whole mask of an IPv6 label is printed.
 */
export function comparable(text: string): string {
  if (text.startsWith("error: ")) return "error";
  const ids: string[] = [];
  const numbered = (id: string): string => {
    if (!ids.includes(id)) ids.push(id);
    return String(ids.indexOf(id) + 1);
  };
  const flooding = /flooding$|^ *(FLOOD|ALL)$/m.test(text);
  return text
    .replace(/recirc_id=([1-9a-f]\w*)/g, (_, id: string) => `recirc_id=${numbered(String(Number(id)))}`)
    .replace(/recirc\((0x\w+)\)/g, (_, id: string) => `recirc(${numbered(String(Number(id)))})`)
    .replace(/score \d+/g, "score")
    .replace("ipv6_label=0x00000/0xfffff", "ipv6_label=0x00000")
    .replace(/^(Datapath actions: )(.*)$/m, (line, head: string, list: string) =>
      flooding ? head + asSet(list) : line,
    );
}

/** Outputs in any order; where tags come and go between them depends on it. */
function asSet(list: string): string {
  const actions = [...list.matchAll(/[^,()]+(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))?/g)].map(([action]) => action);
  return actions
    .filter((action) => !/^(push|pop)_vlan/.test(action))
    .sort()
    .join();
}
