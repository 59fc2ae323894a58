/** The page: what was found in a few numbers and sentences, the charts, every figure, and where it was measured. */

import type { Figure, Panel } from './chart.js';
import { serialize } from './dom.js';
import { by, duration, percent, rate, size, time, whole } from './figures.js';
import { STYLE } from './html-style.js';
import { lookupInsights, memoryInsights, positionInsights } from './insights.js';
import { html, Markup } from './markup.js';
import { isDrawable, type Reading, shapeOf, tableOf } from './reading.js';
import type { Section } from './sections.js';
import { lookupTables, memoryTables, positionTables } from './tables.js';

/** In HTML the name of the element says that it is SVG. */
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

/** The few numbers that one would say aloud. */
function tiles({ lookups, table, scalings }: Reading): Markup | null {
  const measured = lookups.filter((entry) => isDrawable(entry.tokensPerSecond));
  const entries: [name: string, value: string, note: string][] = [];
  if (measured.length > 0) {
    const best = measured.reduce((a, b) => (b.tokensPerSecond > a.tokensPerSecond ? b : a));
    const largest = measured.reduce((a, b) => (b.totalTokens > a.totalTokens ? b : a));
    const many = new Set(measured.map(({ pattern }) => pattern)).size > 1;
    const at = (entry: typeof best) => `at ${shapeOf(entry)}${many ? `, ${entry.pattern}` : ''}`;
    entries.push(['Tokens per second, at best', rate(best.tokensPerSecond), at(best)]);
    entries.push([
      'Time per token there',
      time(best.lookupTimeMs / best.totalTokens),
      `${time(best.lookupTimeMs)} per call`,
    ]);
    if (isDrawable(largest.bandwidthUtilization)) {
      entries.push([
        'Share of a plain copy',
        percent(largest.bandwidthUtilization),
        `${at(largest)}, the largest call`,
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

/** Where, on what, and how: as much of it as is known. */
function setting({ machine, backend, settings, table, positions }: Reading): Markup {
  const entries: [name: string, value: string][] = [];
  if (machine !== null) {
    const { processor, processors, platform } = machine;
    entries.push(['Processor', processor ?? 'not told by the host']);
    entries.push(['Hardware threads', processors === null ? 'not told by the host' : whole(processors)]);
    entries.push(['Platform', platform]);
  }
  if (backend !== null) {
    const { name, isa, threads, version, fallbackReason } = backend;
    entries.push(['Backend', `${name}, ${isa}, ${whole(threads)} ${threads === 1 ? 'thread' : 'threads'}`]);
    if (fallbackReason !== null) entries.push(['Why not another backend', fallbackReason]);
    entries.push(['Version', `tokenbed ${version}`]);
  }
  if (table !== null) {
    entries.push(['Table of the lookups', `${tableOf(table)}, ${size(table.memoryMb)}`]);
  }
  if (positions !== null) {
    const { batchSize, seqLength, embeddingDim } = positions;
    entries.push(['Batch of the positions', by(batchSize, seqLength, embeddingDim)]);
  }
  if (settings !== null) {
    entries.push(['Timed', `at least ${duration(settings.minTimeMs)} for each figure`]);
    entries.push(['Warm-up', `${duration(settings.warmupMs)} before each`]);
  }
  if (isDrawable(machine?.clockResolutionMs ?? null)) {
    entries.push(['Smallest step of the clock', duration(machine!.clockResolutionMs)]);
  }
  return html`<dl class="facts">
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

function section(reading: Reading, { name, title, isMeasured, figures }: Section): Markup {
  if (!isMeasured) {
    return html`<section id="${name}">
      <h2>${title}</h2>
      <p class="none">Not measured.</p>
    </section> `;
  }
  const sentences = INSIGHTS[name](reading);
  const drawn = figures.filter(({ panels }) => panels.length > 0);
  return html`<section id="${name}">
    <h2>${title}</h2>
    ${
      sentences.length > 0 &&
      html`<ul class="insights">
        ${sentences.map((sentence) => html`<li>${sentence}</li>`)}
      </ul>`
    }
    ${drawn.length > 0 && html`<div class="figures">${drawn.map(figure)}</div>`} ${TABLES[name](reading)}
  </section> `;
}

/** No script, no font, no picture from anywhere: what the page does not hold it does not get. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'";

/** Renders the page. */
export function htmlDocument(reading: Reading, title: string, sections: readonly Section[]): string {
  const { backend, machine } = reading;
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
          ${isEmpty ? html`<p class="none">Nothing was measured.</p>` : tiles(reading)}
          ${!isEmpty && sections.map((each) => section(reading, each))}
          <section id="setting">
            <h2>Machine and method</h2>
            ${setting(reading)}
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
  'Lookups write into memory of the caller (forwardInto). Each figure is the median of many samples after a warm-up, by a monotonic clock; a plain copy of as many bytes takes its turn between the lookups. 1 MiB is 1,048,576 bytes.';
