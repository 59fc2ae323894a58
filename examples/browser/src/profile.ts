/**
 * The profiler's report: measured in a separate Worker, shown as charts, and available for download.
 *
 * The HTML report has inline styles, which this page's content security policy does not allow in a frame. The page
 * therefore shows the charts as images and the figures as a table.
 */

import { Background } from './background.js';
import type { Profile } from './messages.js';
import { element, plural, save, errorText } from './page.js';

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
    // The current step is the text of the progress bar. A live region would announce every step.
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
      this.#end(errorText(error));
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
        image.alt = `${title}: a chart of the figures in the table below and in the report`;
        const item = document.createElement('li');
        item.append(image);
        return item;
      }),
    );
    lookups.replaceChildren(
      ...Object.values(profile.results.lookup).map((lookup) => {
        const row = document.createElement('tr');
        const pattern = lookup.pattern === 'uniform' ? '' : `, ${lookup.pattern}`;
        row.append(cell('th', `${lookup.batchSize} × ${lookup.seqLength}${pattern}`));
        for (const text of [
          lookup.lookupTimeMs.toPrecision(3),
          (lookup.tokensPerSecond / 1e6).toPrecision(3),
          `${(100 * lookup.bandwidthUtilization).toFixed(0)} %`,
        ]) {
          row.append(cell('td', text));
        }
        return row;
      }),
    );
  }
}

function cell(kind: 'th' | 'td', text: string): HTMLTableCellElement {
  const element = document.createElement(kind);
  if (kind === 'th') element.scope = 'row';
  element.textContent = text;
  return element;
}
