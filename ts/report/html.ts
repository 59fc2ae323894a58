/** The HTML page: key figures, insights, charts, tables of all figures, and the machine. */

import type { Figure, Panel } from './chart.js';
import { serialize } from './dom.js';
import { product, duration, percent, rate, size, time, integer } from './figures.js';
import { STYLE } from './html-style.js';
import { lookupInsights, memoryInsights, positionInsights } from './insights.js';
import { html, Markup } from './markup.js';
import { isDrawable, type ReportData, shapeOf, tableOf } from './report-data.js';
import type { Section } from './sections.js';
import { lookupTables, memoryTables, positionTables } from './tables.js';

/** Without the namespace, which HTML does not need. */
const chart = ({ element }: Panel): Markup =>
  new Markup(serialize(element).replace(' xmlns="http://www.w3.org/2000/svg"', ''));

const figure = ({ name, title, caption, panels }: Figure): Markup =>
  html` <figure id="${name}" ${panels.length > 1 ? new Markup(' class="wide"') : null}>
    <figcaption>
      <h3>${title}</h3>
      <p>${caption}</p>
    </figcaption>
    <div class="panels">
      ${panels.map(
        (panel) =>
          html`<div class="panel">
            ${panel.label !== '' && html`<h4>${panel.label}</h4>`}${chart(panel)}
          </div>`,
      )}
    </div>
  </figure>`;

/** The key figures. */
function tiles({ lookups, table, scalings }: ReportData): Markup | null {
  const measured = lookups.filter((entry) => isDrawable(entry.tokensPerSecond));
  const entries: [name: string, value: string, note: string][] = [];
  if (measured.length > 0) {
    const best = measured.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a));
    const largest = measured.reduce((a, b) => (b.totalTokens > a.totalTokens ? b : a));
    const hasPatterns = new Set(measured.map(({ pattern }) => pattern)).size > 1;
    const condition = (entry: typeof best) =>
      `at ${shapeOf(entry)}${hasPatterns ? `, ${entry.pattern}` : ''}`;
    entries.push(['Best tokens per second', rate(best.tokensPerSecond), condition(best)]);
    entries.push([
      'Its time per token',
      time(best.lookupTimeMs / best.totalTokens),
      `${time(best.lookupTimeMs)} per call`,
    ]);
    if (isDrawable(largest.bandwidthUtilization)) {
      entries.push([
        'Share of copy bandwidth',
        percent(largest.bandwidthUtilization),
        `${condition(largest)}, the largest call`,
      ]);
    }
  }
  if (table !== null) {
    entries.push(['Table', size(table.memoryMb), tableOf(table)]);
  } else if (scalings.length > 0) {
    const largest = scalings.reduce((a, b) => (b.memoryMb > a.memoryMb ? b : a));
    entries.push(['Largest table', size(largest.memoryMb), tableOf(largest)]);
  }
  if (entries.length === 0) return null;
  return html`<dl class="tiles">
    ${entries.map(
      ([name, value, note]) =>
        html` <div>
          <dt>${name}</dt>
          <dd>${value}<small>${note}</small></dd>
        </div>`,
    )}
  </dl>`;
}

/** The machine, the backend and the settings, as far as they are known. */
function setup({ machine, backend, settings, table, positions }: ReportData): Markup {
  const entries: [name: string, value: string][] = [];
  if (machine !== null) {
    const { processor, processors, platform } = machine;
    entries.push(['Processor', processor ?? 'not reported by the host']);
    entries.push([
      'Hardware threads',
      processors === null ? 'not reported by the host' : integer(processors),
    ]);
    entries.push(['Platform', platform]);
  }
  if (backend !== null) {
    const { name, isa, threads, version, fallbackReason } = backend;
    entries.push(['Backend', `${name}, ${isa}, ${integer(threads)} ${threads === 1 ? 'thread' : 'threads'}`]);
    if (fallbackReason !== null) entries.push(['Fallback reason', fallbackReason]);
    entries.push(['Version', `tokenbed ${version}`]);
  }
  if (table !== null) {
    entries.push(['Lookup table', `${tableOf(table)}, ${size(table.memoryMb)}`]);
  }
  if (positions !== null) {
    const { batchSize, seqLength, embeddingDim } = positions;
    entries.push(['Position batch', product(batchSize, seqLength, embeddingDim)]);
  }
  if (settings !== null) {
    entries.push(['Sampling time', `at least ${duration(settings.minTimeMs)} per figure`]);
    entries.push(['Warm-up time', `${duration(settings.warmupMs)} per figure`]);
  }
  if (isDrawable(machine?.clockResolutionMs ?? null)) {
    entries.push(['Clock resolution', duration(machine!.clockResolutionMs)]);
  }
  return html`<dl class="properties">
    ${entries.map(
      ([name, value]) =>
        html` <div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;
}

const TABLES = { lookups: lookupTables, memory: memoryTables, positions: positionTables } as const;
const INSIGHTS = { lookups: lookupInsights, memory: memoryInsights, positions: positionInsights } as const;

function section(data: ReportData, { name, title, isMeasured, figures }: Section): Markup {
  if (!isMeasured) {
    return html`<section id="${name}">
      <h2>${title}</h2>
      <p class="none">Not measured.</p>
    </section> `;
  }
  const sentences = INSIGHTS[name](data);
  const measured = figures.filter(({ panels }) => panels.length > 0);
  return html`<section id="${name}">
    <h2>${title}</h2>
    ${
      sentences.length > 0 &&
      html`<ul class="insights">
        ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
      </ul>`
    }
    ${measured.length > 0 && html`<div class="figures">${measured.map(figure)}</div>`} ${TABLES[name](data)}
  </section> `;
}

/** The page loads nothing: no scripts, fonts or images. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** Renders the page. */
export function htmlDocument(data: ReportData, title: string, sections: readonly Section[]): string {
  const { backend, machine } = data;
  const isEmpty = sections.every(({ isMeasured }) => !isMeasured);
  const where = [machine?.processor, machine?.platform].filter((each) => each).join(' · ');
  const author = `tokenbed ${backend?.version ?? ''}`.trimEnd();
  const page = html`<!DOCTYPE html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="generator" content="${author}" />
        <title>${title}</title>
        <style>
          ${new Markup(STYLE)}
        </style>
      </head>
      <body>
        <main>
          <header>
            <p class="eyebrow">${author}</p>
            <h1>${title}</h1>
            <p class="lead">${where}</p>
          </header>
          ${isEmpty ? html`<p class="none">Nothing was measured.</p>` : tiles(data)}
          ${!isEmpty && sections.map((each) => section(data, each))}
          <section id="setup">
            <h2>Machine and method</h2>
            ${setup(data)}
          </section>
          <footer>
            <p>${METHOD}</p>
          </footer>
        </main>
      </body>
    </html> `;
  return page.text;
}

const METHOD =
  'Lookups write into a caller-owned buffer (forwardInto). Each figure is the median of many samples after a warm-up, taken with a monotonic clock. Lookups are interleaved with a plain copy of the same number of bytes. 1 MiB is 1,048,576 bytes.';
