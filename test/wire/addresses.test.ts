/** Text and words: the examples of RFC 5952 and 4291, and the URL parser of the platform as a second opinion. */
import assert from "node:assert/strict";
import { isIP } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import {
  ipv4ToText,
  ipv6FromText,
  ipv6ToText,
  linkLocalFromMac,
  macFromText,
  macToText,
  macWords,
  parseIpv4,
  parseIpv6,
  parseMac,
  prefixFromText,
} from "../../datapath/wire/addresses.ts";

test("RFC 5952", () => {
  const shortest: Record<string, string> = {
    "2001:0db8::0001": "2001:db8::1",
    "2001:db8:0:0:0:0:2:1": "2001:db8::2:1",
    "2001:db8:0:1:1:1:1:1": "2001:db8:0:1:1:1:1:1",
    "2001:0:0:1:0:0:0:1": "2001:0:0:1::1",
    "2001:db8:0:0:1:0:0:1": "2001:db8::1:0:0:1",
    "2001:DB8:AAAA:BBBB:CCCC:DDDD:EEEE:AAAA": "2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa",
    "0:0:0:0:0:0:0:0": "::",
    "0:0:0:0:0:0:0:1": "::1",
    "ff02:0:0:0:0:1:ff00:0": "ff02::1:ff00:0",
    "1:0:0:0:0:0:0:0": "1::",
    "0:0:0:0:0:ffff:192.0.2.1": "::ffff:192.0.2.1",
  };
  for (const [text, expected] of Object.entries(shortest)) assert.equal(ipv6ToText(ipv6FromText(text)), expected);
});

test("IPv6 text: back and forth, and as the URL parser writes it", () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const words = Int32Array.from([0, 1, 2, 3], (i) => (groups[2 * i] << 16) | groups[2 * i + 1]);
      const text = ipv6ToText(words);
      assert.deepEqual(parseIpv6(text), words);
      assert.deepEqual(parseIpv6(groups.map((g) => g.toString(16).padStart(4, "0")).join(":")), words);
      if (words[0] === 0 && words[1] === 0 && words[2] === 0xffff) return;
      assert.equal(`[${text}]`, new URL(`http://[${text}]/`).hostname);
    }),
  );
});

test("what is an address and what is not, as the platform sees it", () => {
  const texts = [
    "::",
    "::1",
    "1::",
    "1:2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7::",
    "::2:3:4:5:6:7:8",
    "1:2:3:4:5:6:7:8:9",
    ":1::",
    "1::2::3",
    "12345::",
    "1:2:3",
    ":::",
    "::1.2.3.4",
    "::ffff:1.2.3.4",
    "1:2:3:4:5:6:1.2.3.4",
    "1:2:3:4:5:6:7:1.2.3.4",
    "::1.2.3",
    "1.2.3.4",
    "g::",
    "",
    ":",
    "1:",
    "fe80::1",
    "::1.2.3.256",
    "1::1.2.3.4",
    "1:2:3:4:5::1.2.3.4",
  ];
  for (const text of texts) assert.equal(parseIpv6(text) !== undefined, isIP(text) === 6, `"${text}" as IPv6`);
  for (const text of [
    "1.2.3.4",
    "255.255.255.255",
    "0.0.0.0",
    "256.1.1.1",
    "1.2.3",
    "1.2.3.4.5",
    "a.b.c.d",
    "",
    "1.2.3.4 ",
  ]) {
    assert.equal(parseIpv4(text) !== undefined, isIP(text) === 4, `"${text}" as IPv4`);
  }
});

test("IPv4 and MAC addresses are words", () => {
  assert.equal(parseIpv4("192.168.1.11"), 0xc0a8010b | 0);
  assert.equal(ipv4ToText(0xc0a8010b | 0), "192.168.1.11");
  assert.equal(ipv4ToText(-1), "255.255.255.255");
  assert.deepEqual(macFromText("fa:16:3e:17:6b:a7"), { high: 0xfa163e17 | 0, low: 0x6ba7 });
  assert.deepEqual(macWords("FA-16-3E-17-6B-A7"), [0xfa163e17 | 0, 0x6ba7]);
  assert.equal(macToText(0xfa163e17 | 0, 0x6ba7), "fa:16:3e:17:6b:a7");
  for (const text of ["", "fa:16:3e:17:6b", "fa:16:3e:17:6b:a7:00", "fa:16:3e:17:6b:g7", "fa163e176ba7"]) {
    assert.equal(parseMac(text), undefined);
  }
  assert.throws(() => macFromText("nonsense"), /"nonsense" is not a MAC address/);
});

test("prefixes", () => {
  assert.deepEqual(prefixFromText("192.168.1.1/24"), { family: 4, words: Int32Array.of(0xc0a80101 | 0), bits: 24 });
  assert.equal(prefixFromText("10.0.0.1").bits, 32);
  assert.equal(prefixFromText("fe80::1/64").bits, 64);
  for (const text of ["10.0.0.1/33", "10.0.0.1/", "10.0.0.1/x", "fe80::1/129"]) {
    assert.throws(() => prefixFromText(text), /prefix length of 0 to/);
  }
});

test("RFC 4291, appendix A: the interface identifier of a MAC address", () => {
  // The address that Linux gave the interface with this MAC address, in pcaps/recorded.
  assert.equal(ipv6ToText(linkLocalFromMac(macFromText("fa:16:3e:cd:50:8d"))), "fe80::f816:3eff:fecd:508d");
});
