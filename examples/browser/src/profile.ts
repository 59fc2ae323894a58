/**
 * The profiler's report: measured in a Worker of its own, shown as charts, kept as a file.
 *
 * The HTML report brings its own style, which this page's policy lets into no frame; so it is a download, and the page
 * shows the charts as images and the figures as a table.
 */

import { Background } from './background.js';
import type { Profile } from './messages.js';
import { element, plural, save, words } from './page.js';

const form = element('profile-form', HTMLFormElement);
const button = element('profile', HTMLButtonElement);
const progress = element('profile-progress', HTMLProgressElement);
const status = element('profile-status', HTMLParagraphElement);
const charts = element('charts', HTMLUListElement);
const lookups = element('lookups', HTMLTableSectionElement);
const html = element('report-html', HTMLButtonElement);
const json = element('report-json', HTMLButtonElement);

export class ProfilePanel {
  #running: Background | null = null;
  #profile: Profile | null = null;

  listen(): void {
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      if (this.#running === null) void this.#measure();
      else this.#end('Stopped.');
    });
    html.addEventListener('click', () => save(this.#profile!.html, 'embedding-profile.html', 'text/html'));
    json.addEventListener('click', () => {
      const text = `${JSON.stringify(this.#profile!.results, null, 2)}\n`;
      save(text, 'embedding-profile.json', 'application/json');
    });
  }

  async #measure(): Promise<void> {
    const running = (this.#running = new Background());
    button.textContent = 'Stop';
    status.textContent = 'Measuring …';
    // What is measured now is in the progress bar's words: a live region would read out each of them.
    const onStep = ({ done, label }: { done: number; label: string }) => {
      progress.value = done;
      progress.setAttribute('aria-valuetext', `${Math.round(100 * done)} %, ${label}`);
    };
    try {
      const profile = await running.call('profile', null, onStep);
      this.#show(profile);
      const figures = Object.keys(profile.results.lookup).length;
      this.#end(`${plural(figures, 'lookup')}, tables and positions measured.`);
    } catch (error) {
      this.#end(words(error));
    }
  }

  #end(message: string): void {
    this.#running?.end();
    this.#running = null;
    button.textContent = 'Profile';
    status.textContent = message;
    progress.value = 0;
    progress.removeAttribute('aria-valuetext');
  }

  #show(profile: Profile): void {
    this.#profile = profile;
    html.disabled = json.disabled = false;
    element('lookups-details', HTMLDetailsElement).hidden = false;
    for (const { src } of charts.querySelectorAll('img')) URL.revokeObjectURL(src);
    charts.replaceChildren(
      ...profile.charts.map(({ title, svg }) => {
        const image = document.createElement('img');
        image.src = URL.createObjectURL(new Blob([svg], { type: 'image/svg+xml' }));
        image.alt = `${title}, a chart of the figures below and in the report`;
        const item = document.createElement('li');
        item.append(image);
        return item;
      }),
    );
    lookups.replaceChildren(
      ...Object.values(profile.results.lookup).map((found) => {
        const row = document.createElement('tr');
        const pattern = found.pattern === 'uniform' ? '' : `, ${found.pattern}`;
        row.append(cell('th', `${found.batchSize} × ${found.seqLength}${pattern}`));
        for (const text of [
          found.lookupTimeMs.toPrecision(3),
          (found.tokensPerSecond / 1e6).toPrecision(3),
          `${(100 * found.bandwidthUtilization).toFixed(0)} %`,
        ]) {
          row.append(cell('td', text));
        }
        return row;
      }),
    );
  }
}

function cell(kind: 'th' | 'td', text: string): HTMLTableCellElement {
  const made = document.createElement(kind);
  if (kind === 'th') made.scope = 'row';
  made.textContent = text;
  return made;
}
