/**
 * The look of the page: one type scale, one palette. The colours of series are those of Okabe and Ito, which people with
 * any kind of colour blindness tell apart, a little darker on white so that text in them has a contrast of 4.5 : 1.
 */

/** Colours by name, light and dark; drawings take them too when they stand alone. */
const PALETTE = `
:root { color-scheme: light dark;
  --paper: #ffffff; --raised: #f6f7f9; --ink: #16191d; --quiet: #5a626c; --rule: #d9dde2; --faint: #b6bcc4;
  --legacy: #d55e00; --legacy-ink: #a84500; --dvr: #0072b2; --dvr-ink: #005f96;
  --third: #009e73; --third-ink: #007253; --fourth: #cc79a7; --fourth-ink: #9c4576; --fifth: #7a6a00; --fifth-ink: #6a5c00;
  --plain: #8a929c; --plain-ink: #5a626c; --focus: #0057d8; --good: #00704f; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root {
  --paper: #14171b; --raised: #1d2126; --ink: #e9ecef; --quiet: #a3abb5; --rule: #343a42; --faint: #565e68;
  --legacy: #f08a3c; --legacy-ink: #f6a163; --dvr: #4aa8e8; --dvr-ink: #74bdf0;
  --third: #2ec799; --third-ink: #4fd8ae; --fourth: #e39ac4; --fourth-ink: #ecb2d3; --fifth: #d6c64a; --fifth-ink: #ded070;
  --plain: #7d8691; --plain-ink: #a3abb5; --focus: #7cb3ff; --good: #4fd8ae; --bad: #ff8a80; } }
`;

const TONES = ["legacy", "dvr", "third", "fourth", "fifth", "plain"]
  .map(
    (tone) =>
      `.fill.${tone} { fill: var(--${tone}); } .curve.${tone}, .whisker.${tone}, .way.${tone} { stroke: var(--${tone}); } ` +
      `.mark.${tone}, .step.${tone} { fill: var(--${tone}); } .label.${tone}, .ink.${tone} { fill: var(--${tone}-ink); color: var(--${tone}-ink); } ` +
      `.pipe.${tone} { stroke: var(--${tone}); }`,
  )
  .join("\n");

const SVG = `
svg { display: block; max-width: 100%; height: auto; }
svg text { font: 400 12px var(--sans); fill: var(--ink); font-variant-numeric: tabular-nums; }
svg .tick { fill: var(--quiet); } svg .axis-title { fill: var(--quiet); }
svg .name { font-size: 13px; } svg .value { font-size: 13px; font-weight: 600; } svg .group { font-size: 13px; font-weight: 600; }
svg .label { font-size: 13px; font-weight: 600; }
svg .group, svg .box-name, svg .wire-name { paint-order: stroke; stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; }
svg .wire-name { stroke-width: 3px; }
.axis { stroke: var(--quiet); stroke-width: 1; } .grid { stroke: var(--rule); stroke-width: 1; } .none { display: none; }
.level { stroke: var(--quiet); stroke-width: 1; stroke-dasharray: 2 3; }
.whisker { stroke: var(--ink); stroke-width: 1.5; }
.curve { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; } .curve.model { stroke-dasharray: 6 5; }
.curve.dash-1 { stroke-dasharray: 11 5; } .curve.dash-2 { stroke-dasharray: 6 5; } .curve.dash-3 { stroke-dasharray: 1 5; }
.leader { stroke: var(--faint); stroke-width: 1; } svg .place { fill: var(--quiet); paint-order: stroke; stroke: var(--paper); stroke-width: 3px; }
.mark { stroke: var(--paper); stroke-width: 1.5; }
.host { fill: var(--raised); stroke: var(--rule); } .box { fill: var(--paper); stroke: var(--faint); }
.box.unused { stroke-dasharray: 3 3; } svg .unused-name { fill: var(--quiet); }
.wire { stroke: var(--quiet); stroke-width: 2; fill: none; } .stub { stroke: var(--faint); stroke-width: 1.5; }
.pipe { fill: none; stroke-width: 13; opacity: 0.22; stroke-linejoin: round; stroke-linecap: round; }
.way { fill: none; stroke-width: 2.5; stroke-linejoin: round; stroke-linecap: round; }
svg .host-name { font-size: 13px; font-weight: 600; } svg .role { fill: var(--quiet); } svg .box-name { font-size: 12px; }
svg .step-number { font-size: 11px; font-weight: 700; fill: var(--paper); }
svg .wire-name { font-size: 11px; } .backing { fill: var(--paper); }
`;

const SANS =
  'ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", "Liberation Sans", Arial, sans-serif';

/** For an SVG file of its own: the colours of the page, light or dark as the reader has it, on its own paper. */
export const drawingStyle = `${PALETTE}:root { --sans: ${SANS}; background: var(--paper); }\n${SVG}${TONES}`;

export const pageStyle = `${PALETTE}
:root { --sans: ${SANS}; --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
*, *::before, *::after { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 400 16px/1.55 var(--sans); }
.skip { position: absolute; left: 1rem; top: -4rem; background: var(--paper); color: var(--ink); padding: 0.5rem 0.75rem; border-radius: 4px; z-index: 1; }
.skip:focus { top: 0.5rem; }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 2px; }
a { color: var(--dvr-ink); text-underline-offset: 0.15em; }
header, main, footer { max-width: 74rem; margin: 0 auto; padding: 0 1.5rem; }
header { padding-top: 3rem; }
.brand { margin: 0 0 0.25rem; color: var(--quiet); font-size: 0.875rem; font-weight: 600; letter-spacing: 0.02em; }
h1 { margin: 0; font-size: 2.125rem; line-height: 1.2; font-weight: 700; letter-spacing: -0.015em; max-width: 34ch; text-wrap: balance; }
.lead { margin: 0.75rem 0 0; color: var(--quiet); max-width: 68ch; }
h2 { margin: 0 0 1rem; }
.topic { display: block; font-size: 0.875rem; font-weight: 600; color: var(--quiet); }
.headline { display: block; font-size: 1.5rem; line-height: 1.28; font-weight: 650; letter-spacing: -0.01em; max-width: 44ch; text-wrap: balance; }
h3 { margin: 0; font-size: 1rem; font-weight: 600; }
section { padding: 3rem 0 0; }
section.absent { padding-top: 1.25rem; } section.absent h2 { margin: 0; } .absent .prose { margin: 0; color: var(--quiet); }
.prose, .note { max-width: 68ch; margin: 0 0 1rem; } .note { color: var(--quiet); font-size: 0.875rem; margin-top: 0.75rem; }
.warning { border-left: 3px solid var(--bad); padding: 0.25rem 0 0.25rem 0.75rem; }
.key { display: grid; grid-template-columns: repeat(auto-fit, minmax(12.5rem, auto)); justify-content: space-between; gap: 1.5rem 2rem; margin: 2rem 0 0; padding: 1.5rem 0; border-top: 1px solid var(--rule); border-bottom: 1px solid var(--rule); }
.key dt { font-size: 0.875rem; color: var(--quiet); min-height: 2.6em; display: flex; align-items: end; line-height: 1.3; } .key dd { margin: 0.35rem 0 0; display: flex; gap: 1.5rem; }
.key .pair { display: block; } .key .who { display: block; font-size: 0.8125rem; font-weight: 600; } .key .figure { display: block; font-size: 1.5rem; line-height: 1.25; font-weight: 650; font-variant-numeric: tabular-nums; white-space: nowrap; }
nav { margin: 1.25rem 0 0; } nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0; padding: 0; font-size: 0.875rem; } nav a { display: inline-block; padding: 0.25rem 0; }
figure { margin: 0; min-width: 0; } figcaption { font-size: 1rem; font-weight: 600; margin: 0 0 0.5rem; }
.pictures.several, .tables.several { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 31rem), 1fr)); gap: 2rem 2.5rem; }
.tables { margin-top: 1.5rem; }
.narrow { display: none; }
.scroll { overflow-x: auto; min-width: 0; }
table { border-collapse: collapse; font-size: 0.8125rem; line-height: 1.45; font-variant-numeric: tabular-nums; }
caption { text-align: left; color: var(--quiet); padding: 0 0 0.375rem; font-size: 0.8125rem; }
th, td { padding: 0.3125rem 1rem 0.3125rem 0; text-align: right; vertical-align: top; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th:last-child, td:last-child { padding-right: 0; } .words, tbody th { text-align: left; }
thead th { white-space: normal; font-weight: 600; color: var(--quiet); border-bottom-color: var(--faint); vertical-align: bottom; } tbody th { font-weight: 400; }
.wrap { white-space: normal; min-width: 13rem; display: block; overflow-wrap: anywhere; }
.several table { width: 100%; } .tables.stacked { display: grid; gap: 1.5rem; }
details { margin-top: 1.5rem; } summary { font-size: 0.875rem; font-weight: 600; cursor: pointer; padding: 0.25rem 0; }
code { font: 0.9375em/1.5 var(--mono); overflow-wrap: anywhere; } .rule { display: block; padding-left: 1.25em; text-indent: -1.25em; }
.who.legacy, .ink.legacy { color: var(--legacy-ink); } .who.dvr, .ink.dvr { color: var(--dvr-ink); }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
footer { margin-top: 4rem; padding-top: 1.25rem; padding-bottom: 3rem; border-top: 1px solid var(--rule); color: var(--quiet); font-size: 0.875rem; }
footer p { margin: 0 0 0.5rem; max-width: 80ch; overflow-wrap: anywhere; }
${SVG}${TONES}
@media (max-width: 48rem) {
  header, main, footer { padding-left: 1rem; padding-right: 1rem; } header { padding-top: 1.75rem; }
  h1 { font-size: 1.625rem; } .headline { font-size: 1.25rem; } section { padding-top: 2.25rem; }
  .wide { display: none; } .narrow { display: block; } .key { grid-template-columns: 1fr; gap: 1.125rem; } .key dt { min-height: 0; }
}
@media (prefers-reduced-motion: reduce) { html { scroll-behavior: auto; } }
@media (forced-colors: active) { .fill, .curve, .way, .mark, .step { forced-color-adjust: none; } }
@media print {
  :root { color-scheme: light; --paper: #ffffff; --raised: #f6f7f9; --ink: #16191d; --quiet: #4a525c; --rule: #d0d4da; --faint: #a8aeb6;
    --legacy: #d55e00; --legacy-ink: #a84500; --dvr: #0072b2; --dvr-ink: #005f96; --third: #009e73; --third-ink: #007253; --fourth: #cc79a7; --fourth-ink: #9c4576; --fifth: #7a6a00; --fifth-ink: #6a5c00; --plain: #8a929c; --plain-ink: #5a626c; }
  @page { margin: 16mm 14mm; }
  body { font-size: 10.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  header, main, footer { max-width: none; padding-left: 0; padding-right: 0; } header { padding-top: 0; } nav, .skip { display: none; }
  section { padding-top: 1.75rem; } h2, .prose, figcaption, caption, thead, thead tr { break-after: avoid; } tbody tr:first-child { break-before: avoid; } h2, p, figure, .key, tr { break-inside: avoid; }
  .key { grid-template-columns: repeat(4, auto); gap: 1rem 1.5rem; } .key dt { min-height: 2.6em; } .tables.several.many { grid-template-columns: repeat(4, 1fr); }
  .wide { display: block; } .narrow { display: none; } .scroll { overflow: visible; } th, td { white-space: normal; }
  details::details-content { content-visibility: visible; display: block; block-size: auto; }
  table { font-size: 8pt; } .tables.several { grid-template-columns: 1fr; } .pictures.several { grid-template-columns: 1fr 1fr; gap: 1rem; }
}
`;
