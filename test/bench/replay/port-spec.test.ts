import assert from "node:assert/strict";
import { test } from "node:test";
import { InputError } from "../../../bench/errors.ts";
import { formatPort, parsePort, parsePorts, sharedPrefix, underlayMac } from "../../../bench/replay/port-spec.ts";

test("ports as they are typed, and back", () => {
  for (const text of [
    "1=pcap",
    "2=null",
    "65279=gre:10.11.1.115:10.11.1.116",
    "3=vxlan:192.168.0.1:192.168.255.2",
    "2=gre:10.0.0.1:10.0.0.2:4294967295",
    "4=pcap:a:b.pcap",
    "5=write:out.pcap",
    "underlay=write:u.pcap",
  ]) {
    assert.equal(formatPort(parsePort(text)), text);
  }
  assert.deepEqual(parsePort("2=gre:10.11.1.115:10.11.1.116"), {
    ofport: 2,
    kind: "gre",
    file: "",
    local: "10.11.1.115",
    remote: "10.11.1.116",
    key: "",
  });
  assert.equal(parsePorts(["1=pcap", "2=null", "3=null"]).length, 3);
});

test("what is wrong with a port is said", () => {
  const wrong: Record<string, RegExp> = {
    pcap: /not understood/,
    "0=null": /not in 1 to 65279/,
    "65280=null": /not in 1 to 65279/,
    "1=tap": /no kind of port is called "tap"/,
    "1=null:eth0": /null takes no address/,
    "1=gre": /two IPv4 addresses/,
    "1=gre:10.0.0.1": /two IPv4 addresses/,
    "1=gre:10.0.0.1:10.0.0.256": /"10.0.0.256" is not an IPv4 address/,
    "1=vxlan:10.0.0.1:10.0.0.1": /the same/,
    "1=vxlan:10.0.0.1:10.0.0.2:16777216": /"16777216" is no number of 24 bits/,
    "1=gre:10.0.0.1:10.0.0.2:0x7": /"0x7" is no number of 32 bits/,
    "1=gre:10.0.0.1:10.0.0.2:7:8": /two IPv4 addresses and a key/,
    "1=gre:10.0.0.1:010.0.0.2": /"010.0.0.2" is not an IPv4 address/,
    "1=gre:0.0.0.0:10.0.0.2": /"0.0.0.0" is no address of one station/,
    "1=gre:10.0.0.1:224.0.0.1": /"224.0.0.1" is no address of one station/,
    "1=vxlan:10.0.0.1:255.255.255.255": /"255.255.255.255" is no address of one station/,
    "1=pcap:": /name is missing/,
    "1=write": /name is missing/,
    "underlay=gre:10.0.0.1:10.0.0.2": /underlay is no tunnel/,
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(
      () => parsePort(text),
      (error: Error) => error instanceof InputError && message.test(error.message),
      text,
    );
  }
  assert.throws(() => parsePorts(["1=pcap", "1=null"]), /given twice/);
  assert.throws(() => parsePorts(["1=null"]), /0 ports are pcap/);
  assert.throws(() => parsePorts(["1=pcap", "2=pcap"]), /2 ports are pcap/);
  assert.throws(() => parsePorts(["1=pcap", "underlay=null"]), /no tunnel port/);
  const tunnel = "gre:10.0.0.1:10.0.0.2";
  assert.throws(() => parsePorts(["1=pcap", `2=${tunnel}:7`, `3=${tunnel}:007`]), /the ends and the key of port 2/);
  assert.equal(parsePorts(["1=pcap", `2=${tunnel}`, `3=${tunnel}:0`, "4=vxlan:10.0.0.1:10.0.0.2"]).length, 4);
  assert.throws(
    () => parsePorts(["1=pcap", "2=gre:10.0.0.1:10.0.0.2", "3=vxlan:10.0.0.3:10.0.0.2"]),
    /10\.0\.0\.1 and 10\.0\.0\.3/,
  );
});

test("addresses of the underlay", () => {
  assert.equal(underlayMac("10.11.1.115"), "02:00:0a:0b:01:73");
  assert.equal(sharedPrefix("10.11.1.115", "10.11.1.116"), 24);
  assert.equal(sharedPrefix("10.11.1.1", "10.11.128.1"), 16);
  assert.equal(sharedPrefix("192.168.1.1", "10.0.0.1"), 0);
});
