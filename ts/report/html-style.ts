/** The style sheet of a page: one column on a phone, two columns of charts on a screen; and for print. */

import { CHART, CHART_STYLE, FONT, palette } from './theme.js';

const PAGE = `
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--surface);color:var(--ink);font:16px/1.55 ${FONT};overflow-wrap:break-word}
main{max-width:64rem;margin:0 auto;padding:3rem 1.5rem 4rem}
h1,h2,h3,h4{line-height:1.25;margin:0;text-wrap:balance}
h1{font-size:2rem;font-weight:650;letter-spacing:-.015em}
h2{font-size:1.375rem;font-weight:650;letter-spacing:-.01em;padding-top:2.25rem;margin-top:2.75rem;border-top:1px solid var(--line)}
h3{font-size:1.0625rem;font-weight:600}
h4{font-size:.875rem;font-weight:600;margin-bottom:.25rem}
p{margin:.25rem 0 0}
.eyebrow{margin:0 0 .5rem;color:var(--muted);font-size:.875rem}
.lead{color:var(--muted);font-size:1.0625rem;max-width:44rem}
.none{color:var(--muted);margin-top:.75rem}
dl{margin:0}dt{color:var(--muted);font-size:.8125rem}dd{margin:0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:1px;margin-top:2rem;background:var(--line);border:1px solid var(--line);border-radius:.5rem;overflow:hidden}
.tiles>div{background:var(--surface);padding:1rem 1.125rem 1.125rem}
.tiles dd{font-size:1.5rem;font-weight:600;line-height:1.3;letter-spacing:-.01em;font-variant-numeric:tabular-nums}
.tiles dd small{display:block;font-size:.8125rem;font-weight:400;letter-spacing:0;color:var(--muted)}
.properties{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:.75rem 2.25rem;margin-top:1.25rem}
.insights{margin:1rem 0 0;padding:0 0 0 1.125rem;max-width:52rem}
.insights li{margin:.3rem 0}.insights li::marker{color:var(--blue)}
.figures{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:2.25rem 2.25rem;margin-top:1.75rem}
figure{margin:0;min-width:0}figure.wide{grid-column:1/-1}
figcaption{margin-bottom:.75rem}figcaption p{color:var(--muted);font-size:.875rem;line-height:1.45}
.panels{display:grid;gap:1.5rem 2.25rem}.wide .panels{grid-template-columns:repeat(2,minmax(0,1fr))}
.${CHART}{display:block;width:100%;height:auto;overflow:visible}
table{width:100%;border-collapse:collapse;font-size:.8125rem;line-height:1.4;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--muted);padding-bottom:.625rem;text-wrap:pretty}caption b{color:var(--ink);font-weight:600}
th,td{padding:.34rem .5rem;text-align:right;white-space:nowrap;border-bottom:1px solid var(--line);font-weight:400}
thead th{color:var(--muted);vertical-align:bottom;white-space:normal;border-bottom-color:var(--muted)}
th:first-child{text-align:left;padding-left:0}tbody th{font-weight:600}th:last-child,td:last-child{padding-right:0}
td i{color:var(--muted)}.wrap{white-space:normal}
/* A fallback for extremely long figures: the rules below turn wide tables into cards. */
.scroll{overflow-x:auto;margin-top:2.5rem}
footer{margin-top:3.5rem;padding-top:1.25rem;border-top:1px solid var(--line);color:var(--muted);font-size:.875rem}
@media(max-width:40rem){
main{padding:1.75rem 1rem 3rem}
h1{font-size:1.625rem}h2{font-size:1.25rem;margin-top:2.25rem;padding-top:1.75rem}
.figures,.wide .panels{grid-template-columns:minmax(0,1fr)}
.tiles{grid-template-columns:repeat(2,minmax(0,1fr))}.tiles>div{padding:.75rem .875rem}.tiles dd{font-size:1.25rem}
}
`;

/** Shows the rows of a table as cards, with the column's name before each figure. */
const cards = (scope: string): string => `
${scope},${scope} tbody,${scope} tr,${scope} th[scope=row],${scope} td{display:block}
${scope} thead{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}
${scope} caption{display:block}
${scope} tr{display:grid;gap:0 1.5rem;padding:.625rem 0;border-bottom:1px solid var(--line)}
${scope} th[scope=row]{grid-column:1/-1;font-size:.9375rem}
${scope} th,${scope} td{border:0;padding:.1rem 0;text-align:right}
${scope} th:first-child{text-align:left}
${scope} td{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 .75rem}
${scope} td::before{content:attr(data-name);color:var(--muted)}
${scope} .wrap{text-align:right}
`;

const PRINT = `
@page{margin:14mm 12mm}
@media print{
html{font-size:12.5px}
main{max-width:none;padding:0}
h2{break-after:avoid;margin-top:1.75rem;padding-top:1.5rem}
figure,.panel,figcaption,.tiles,caption,tr,.properties>div,.insights li{break-inside:avoid}
figure.wide{break-inside:auto}
tbody tr:nth-child(-n+3){break-before:avoid}
figcaption,caption{break-after:avoid}
thead{display:table-header-group}
.figures{gap:1.5rem 2rem;margin-top:1.25rem}
.scroll{overflow:visible;margin-top:1.5rem}
table{font-size:.72rem}th,td{padding:.2rem .28rem}
footer{margin-top:2rem}
}
`;

/** The complete style sheet. */
export const STYLE = [
  palette(':root'),
  PAGE.trim(),
  CHART_STYLE,
  `@media screen and (max-width:66rem){${cards('.many')}.many tr{grid-template-columns:repeat(auto-fill,minmax(9.25rem,1fr))}}`,
  `@media screen and (max-width:48rem){${cards('.few')}}`,
  PRINT.trim(),
].join('\n');
