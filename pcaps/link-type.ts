/**
 * Link types: what the bytes of a record begin with, by the numbers of the registry (draft-ietf-opsawg-pcaplinktype,
 * https://www.tcpdump.org/linktypes.html). We carry Ethernet; Linux "cooked" headers can be turned back into Ethernet
 * (cooked.ts); everything else is refused by name, because inventing an Ethernet header for it would be inventing traffic.
 */
export const LinkType = { Ethernet: 1, LinuxSll: 113, LinuxSll2: 276 } as const;

const NAMES: Readonly<Record<number, string>> = {
  0: "BSD loopback (NULL)",
  1: "Ethernet",
  3: "AX.25",
  6: "Token Ring",
  8: "SLIP",
  9: "PPP",
  10: "FDDI",
  12: "raw IP",
  14: "raw IP",
  50: "PPP in HDLC framing",
  51: "PPP over Ethernet",
  100: "LLC/SNAP over ATM",
  101: "raw IP",
  104: "Cisco HDLC",
  105: "IEEE 802.11",
  107: "Frame Relay",
  108: "OpenBSD loopback (LOOP)",
  113: "Linux cooked v1",
  117: "OpenBSD pflog",
  119: "IEEE 802.11 with Prism header",
  127: "IEEE 802.11 with radiotap header",
  147: "user-defined (USER0)",
  187: "Bluetooth HCI",
  189: "USB (Linux)",
  192: "per-packet information (PPI)",
  195: "IEEE 802.15.4",
  197: "Endace ERF",
  201: "Bluetooth HCI with direction",
  220: "USB (Linux, padded)",
  227: "CAN bus",
  228: "raw IPv4",
  229: "raw IPv6",
  239: "Linux netfilter log",
  240: "netANALYZER",
  247: "InfiniBand",
  249: "USBPcap",
  252: "Wireshark upper PDU",
  253: "Linux netlink monitor",
  272: "Nordic BLE sniffer",
  274: "Ethernet with preamble (mPacket)",
  276: "Linux cooked v2",
};

const RAW_IP: readonly number[] = [12, 14, 101, 228, 229];

export function linkTypeName(linkType: number): string {
  return NAMES[linkType] ?? "not known here";
}

/** Frames of this link type are Ethernet, or can be turned into it. */
export function isReadable(linkType: number): boolean {
  return linkType === LinkType.Ethernet || linkType === LinkType.LinuxSll || linkType === LinkType.LinuxSll2;
}

/** Why this link type is refused: "link type 101 (raw IP): …, expected Ethernet (1) or Linux cooked (113, 276)". */
export function refusal(linkType: number): string {
  const why = RAW_IP.includes(linkType) ? ": its packets have no Ethernet header to switch by" : "";
  return `link type ${linkType} (${linkTypeName(linkType)})${why}, expected Ethernet (1) or Linux cooked (113, 276)`;
}
