/** Numbers with units for a page: three significant digits, prefixes of the SI, thin spaces before units. */

/** U+202F: narrow, and no line breaks there. */
export const GAP = "\u202f";
const PREFIXES = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
  [1, ""],
] as const;

/** Three significant digits, thousands separated: 0.0123, 1.23, 12.3, 123, 1,234. "–" for none. */
export function digits(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 99.95) return Math.round(value).toLocaleString("en-US");
  if (size === 0) return "0";
  const decimals = size >= 9.995 ? 1 : size >= 0.9995 ? 2 : Math.min(6, 2 - Math.floor(Math.log10(size)));
  return value.toFixed(decimals);
}

/** "1.43 Mpps", "10.2 Gbit/s". */
export function withUnit(value: number | null, unit: string): string {
  if (value === null || !Number.isFinite(value)) return "–";
  const [size, prefix] = PREFIXES.find(([least]) => Math.abs(value) >= least * 0.9995) ?? [1, ""];
  return `${digits(value / size)}${GAP}${prefix}${unit}`;
}

/** A value on an axis, as short as it can be: "0", "0.5", "50". */
export const tickNumber = (value: number): string =>
  Math.abs(value) >= 1000 ? whole(value) : String(Number(value.toPrecision(6)));

/** "50 Mpps". */
export function tickUnit(value: number, unit: string): string {
  if (value === 0) return "0";
  const [size, prefix] = PREFIXES.find(([least]) => Math.abs(value) >= least * 0.9995) ?? [1, ""];
  return `${tickNumber(value / size)}${GAP}${prefix}${unit}`;
}

/** "50 %". */
export const tickShare = (value: number): string => `${tickNumber(100 * value)}${GAP}%`;

/** "12.3 %". */
export function share(value: number | null): string {
  if (value === null || !Number.isFinite(value)) return "–";
  return `${(100 * value).toFixed(Math.abs(value) >= 0.9995 || value === 0 ? 0 : 1)}${GAP}%`;
}

/** A whole number with thousands separated. */
export const whole = (value: number | null): string =>
  value === null || !Number.isFinite(value) ? "–" : Math.round(value).toLocaleString("en-US");

/** "2.0 times": how many times `a` is `b`, for sentences; null where that says nothing. */
export function times(a: number, b: number): string | null {
  if (!(a > 0) || !(b > 0)) return null;
  const ratio = a / b;
  return ratio >= 99.5 ? `${whole(ratio)} times` : `${ratio.toFixed(ratio >= 9.95 ? 0 : ratio < 1.095 ? 2 : 1)} times`;
}
