/** Light, dark and print. Every colour of text has a contrast of at least 4.5 to what it stands on. */
const light = `
  --page: #f6f5f2; --card: #ffffff; --ink: #1f1d1a; --soft: #5c5750; --line: #e4e1db; --base: #a9a39a; --empty: #efede8;
  --c1: #2f62c4; --c2: #0b7a70; --c3: #7b4fc9; --c4: #b35309; --c5: #b8265f; --c6: #5d6878; --inside: #ffffff;
  --good: #0b7a70; --bad: #b8265f;`

const dark = `
  --page: #14161a; --card: #1d2026; --ink: #eceae6; --soft: #a9a59d; --line: #31353d; --base: #6b707a; --empty: #262a31;
  --c1: #7fa8ff; --c2: #4cc4b4; --c3: #b99cff; --c4: #f2a557; --c5: #ff8cb0; --c6: #98a4b5; --inside: #14161a;
  --good: #4cc4b4; --bad: #ff8cb0;`

const colors = ["c1", "c2", "c3", "c4", "c5", "c6"]
  .map(
    (name) =>
      `svg .${name} { fill: var(--${name}) } svg .stroke.${name} { fill: none; stroke: var(--${name}) } .swatch.${name} { background: var(--${name}) }`
  )
  .join("\n")

export const style = `
:root { color-scheme: light dark; ${light} }
@media (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box }
body { margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif }
main, header, footer { max-width: 1080px; margin: 0 auto; padding: 0 24px }
header { padding-top: 40px }
h1 { font-size: 30px; line-height: 1.2; letter-spacing: -0.02em; margin: 0 0 6px }
h2 { font-size: 20px; letter-spacing: -0.01em; margin: 40px 0 14px }
h3 { font-size: 16px; margin: 0 }
p { margin: 0 }
header p, footer { color: var(--soft) }
footer { font-size: 14px; padding-top: 32px; padding-bottom: 48px }
.tiles { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 12px; margin: 28px 0 0; padding: 0 }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px }
.tile dt { color: var(--soft); font-size: 14px }
.tile dd { margin: 2px 0 0 }
.tile .figure { font-size: 28px; font-weight: 650; line-height: 1.2; letter-spacing: -0.02em; font-variant-numeric: tabular-nums }
.tile .more { display: block; color: var(--soft); font-size: 13px }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 16px }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 18px 20px; margin: 0; min-width: 0 }
figure.card { display: flex; flex-direction: column }
.wide { grid-column: 1 / -1 }
figcaption p { color: var(--soft); font-size: 14px }
.plot { margin: auto 0; padding: 14px 0 6px }
.plot svg { display: block; width: 100%; height: auto; overflow: visible }
.tight { display: none }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 10px 0 0; padding: 0; font-size: 14px }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px }
svg text { font: 12px system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums }
svg .small { font-size: 11px }
svg .name { fill: var(--ink) }
svg .inside { fill: var(--inside); font-weight: 600 }
svg .rule { stroke: var(--line) }
svg .base { stroke: var(--base) }
svg .span { stroke: var(--base); stroke-width: 3 }
svg .empty { fill: var(--empty) }
svg .stroke { stroke-width: 2.25; stroke-linejoin: round }
svg .point { stroke: var(--card); stroke-width: 1.5 }
svg .hit { fill-opacity: 0 }
svg .part { fill-opacity: 0.5 }
svg rect:hover, svg path:not(.stroke):hover, svg circle:hover { opacity: 0.75 }
${colors}
svg .ink { font-weight: 600 }
svg .run-complete { fill: var(--good) } svg .run-partial { fill: var(--c4) } svg .run-failed { fill: var(--bad) }
svg .run-running { fill: var(--c1) } svg .run-interrupted { fill: var(--c6) }
details { margin-top: 8px; font-size: 14px }
summary { cursor: pointer; color: var(--soft); width: fit-content }
summary:hover, summary:focus-visible { color: var(--ink) }
:focus-visible { outline: 2px solid var(--c1); outline-offset: 2px; border-radius: 3px }
.scroll { overflow-x: auto; max-height: 360px; margin-top: 8px }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums }
caption { text-align: left; color: var(--soft); padding-bottom: 6px }
th, td { text-align: left; padding: 5px 14px 5px 0; border-bottom: 1px solid var(--line); vertical-align: top }
th { font-weight: 600 }
details table { width: auto; min-width: min(100%, 380px) }
details th, details td { padding-right: 22px }
th[scope="row"] { white-space: nowrap }
th small { font-weight: 400; color: var(--soft) }
time, .state { white-space: nowrap }
.n, th.n { text-align: right }
.state::before { content: ""; display: inline-block; width: 9px; height: 9px; border-radius: 50%; margin-right: 7px; background: var(--c6) }
.state.complete::before { background: var(--good) } .state.partial::before { background: var(--c4) }
.state.failed::before { background: var(--bad) } .state.running::before { background: var(--c1) }
.fault { color: var(--bad) }
.nothing { padding: 48px 0; color: var(--soft) }
@media (max-width: 760px) {
  main, header, footer { padding-left: 14px; padding-right: 14px }
  header { padding-top: 24px }
  .grid { grid-template-columns: minmax(0, 1fr) }
  .card { padding: 14px }
  .roomy { display: none } .tight { display: block }
  .tight svg { max-width: 460px; margin: 0 auto }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)) }
  .scroll:has(> .stacked) { max-height: none }
  .stacked thead { display: none }
  .stacked tr { display: block; padding: 8px 0; border-bottom: 1px solid var(--line) }
  .stacked th, .stacked td { display: flex; justify-content: space-between; gap: 12px; border: 0; padding: 2px 0; text-align: right }
  .stacked td::before { content: attr(data-name); color: var(--soft); text-align: left }
  .stacked th[scope="row"] { display: block; text-align: left }
  details table, .card table { font-size: 13px }
  details th, details td { padding-right: 12px }
}
@media print {
  :root { color-scheme: light; ${light} --page: #ffffff }
  @page { margin: 12mm }
  body { font-size: 10pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  main, header, footer { max-width: none; padding: 0 }
  h2 { margin-top: 22px; break-after: avoid }
  details { display: none }
  .card, .tile { break-inside: avoid; border-color: #cfcac2; padding: 10px 12px }
  .tiles { grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 8px; margin-top: 16px }
  .tile .figure { font-size: 20px }
  .tile dt, .tile .more, figcaption p, .legend, table { font-size: 9pt }
  .grid { grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 10px }
  .wide .roomy, .card:not(.wide) .tight { display: block }
  .wide .tight, .card:not(.wide) .roomy { display: none }
  .scroll { overflow: visible; max-height: none }
  .card table { overflow-wrap: anywhere }
  th, td { padding-right: 8px }
}
`
