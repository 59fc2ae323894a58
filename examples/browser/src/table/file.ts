/**
 * Opening a file: its tensors, the choice of the table, progress, and the figures of the loaded table.
 *
 * Each file is opened in a new Worker, so the earlier table stays until another one is loaded. `Cancel` terminates the Worker.
 */

import { Background } from '../background.js';
import type { FileSummary, LoadedTable, LoadStep, TensorSummary } from '../messages.js';
import { count, element, errorText, plural, size } from '../page.js';

/** The tensors that are listed. A file may have many thousands. */
const MOST_LISTED = 500;
/** Names of tables in model files, preferred if there are several. */
const USUAL_NAMES = new Set(['embeddings', 'embedding.weight', 'weight', 'token_embd.weight']);

const SAMPLE = new URL('../../sample/words.safetensors', import.meta.url);

/** The sample. It is small: fetched whole, it is requested once, and reading its header cancels no request. */
async function fetchSample(): Promise<File> {
  const response = await fetch(SAMPLE);
  return new File([await response.blob()], 'words.safetensors');
}

interface Opening {
  readonly background: Background;
  readonly source: File | Promise<File>;
  readonly name: string;
  /** Tensors of two dimensions. */
  tables: number;
  /** Whether the user has to choose one of them. */
  isChoosing: boolean;
}

export class FilePanel {
  #input = element('table-file', HTMLInputElement);
  #drop = element('drop', HTMLLabelElement);
  #tensors = element('tensors', HTMLTableSectionElement);
  #button = element('load', HTMLButtonElement);
  #loaded = element('loaded', HTMLSpanElement);
  #progress = element('load-progress', HTMLProgressElement);
  #status = element('file-status', HTMLParagraphElement);
  #opening: Opening | null = null;
  /** The name of the file whose table is shown. */
  #shown: string | null = null;
  #onTable: (background: Background, table: LoadedTable) => void;

  /** `onTable` receives the Worker of a loaded table, and owns it. */
  constructor(onTable: (background: Background, table: LoadedTable) => void) {
    this.#onTable = onTable;
  }

  listen(panel: HTMLElement): void {
    this.#input.addEventListener('change', () => {
      const file = this.#input.files?.[0];
      if (file !== undefined) void this.#open(file, file.name);
      this.#input.value = ''; // or choosing the same file again would not be a change
    });
    element('sample', HTMLButtonElement).addEventListener('click', () => {
      void this.#open(fetchSample(), 'words.safetensors');
    });
    this.#button.addEventListener('click', () => {
      if (this.#opening?.isChoosing) void this.#load(this.#opening, this.#choice());
      else this.#end('Cancelled.');
    });
    // Everywhere: a file dropped beside the frame would otherwise replace the page.
    document.addEventListener('dragover', (event) => {
      if (panel.hidden) return;
      event.preventDefault();
      this.#drop.classList.add('over');
    });
    document.addEventListener('dragleave', () => this.#drop.classList.remove('over'));
    document.addEventListener('drop', (event) => {
      if (panel.hidden) return;
      event.preventDefault();
      this.#drop.classList.remove('over');
      const file = event.dataTransfer?.files[0];
      if (file !== undefined) void this.#open(file, file.name);
    });
  }

  async #open(source: File | Promise<File>, name: string): Promise<void> {
    this.#opening?.background.end();
    const opening = { background: new Background(), source, name, tables: 0, isChoosing: false };
    this.#opening = opening;
    this.#begin();
    this.#status.textContent = `Reading ${name} …`;
    try {
      const summary = await opening.background.call('inspect', await source);
      if (this.#opening !== opening) return;
      opening.tables = this.#list(summary);
      if (opening.tables > 1) {
        this.#choose(opening, `${name} has ${opening.tables} tensors of two dimensions: choose the table.`);
      } else await this.#load(opening, undefined);
    } catch (error) {
      this.#fail(opening, error);
    }
  }

  #choose(opening: Opening, message: string): void {
    this.#reset();
    opening.isChoosing = true;
    this.#button.disabled = false;
    this.#status.textContent = message;
  }

  /** Lists the tensors, tables first. Returns the number of tables. */
  #list({ tensors }: FileSummary): number {
    const isTable = ({ table }: TensorSummary) => table !== null;
    const tables = tensors.filter(isTable);
    const sorted = [...tables, ...tensors.filter((tensor) => !isTable(tensor))];
    const usual = tables.find(({ table }) => USUAL_NAMES.has(table!)) ?? tables[0];
    const rows = sorted.slice(0, MOST_LISTED).map((tensor) => tensorRow(tensor, tensor === usual));
    if (sorted.length > MOST_LISTED) {
      const more = document.createElement('tr');
      more.insertCell().textContent = `and ${count(sorted.length - MOST_LISTED)} more`;
      rows.push(more);
    }
    this.#tensors.replaceChildren(...rows);
    return tables.length;
  }

  #choice(): string | undefined {
    return this.#tensors.querySelector<HTMLInputElement>('input:checked')?.value;
  }

  async #load(opening: Opening, tensor: string | undefined): Promise<void> {
    opening.isChoosing = false;
    const { background, source, name } = opening;
    this.#begin();
    this.#status.textContent = `Loading ${name} …`;
    try {
      const table = await background.call('load', { file: await source, tensor }, (step) => this.#step(step));
      if (this.#opening !== opening) return;
      this.#opening = null;
      this.#shown = name;
      this.#reset();
      this.#show(table);
      const words = table.words === null ? 'Its rows have no words.' : 'Its rows have words.';
      this.#status.textContent = `${name} is open. ${words}`;
      this.#onTable(background, table);
    } catch (error) {
      this.#fail(opening, error);
    }
  }

  #step({ loaded, total }: LoadStep): void {
    // The text of the bar. A live region would announce every step.
    const text = total === null ? size(loaded) : `${size(loaded)} of ${size(total)}`;
    if (total !== null) this.#progress.value = loaded / total;
    this.#progress.setAttribute('aria-valuetext', text);
    this.#loaded.textContent = text;
  }

  #fail(opening: Opening, error: unknown): void {
    if (this.#opening !== opening) return;
    if (opening.tables > 1) this.#choose(opening, errorText(error));
    else this.#end(errorText(error));
  }

  #end(message: string): void {
    this.#opening?.background.end();
    this.#opening = null;
    this.#reset();
    this.#tensors.replaceChildren();
    const rest = this.#shown === null ? '' : ` ${this.#shown} stays open.`;
    this.#status.textContent = message + rest;
  }

  #begin(): void {
    this.#button.textContent = 'Cancel';
    this.#button.disabled = false;
    this.#progress.removeAttribute('value');
  }

  #reset(): void {
    this.#button.textContent = 'Load';
    this.#button.disabled = true;
    this.#loaded.textContent = '';
    this.#progress.value = 0;
    this.#progress.removeAttribute('aria-valuetext');
  }

  #show({ rows, dim, dtype, bytes, bytesPerRow }: LoadedTable): void {
    element('table-rows', HTMLElement).textContent = count(rows);
    element('table-width', HTMLElement).textContent = count(dim);
    element('table-dtype', HTMLElement).textContent = `${dtype}, ${plural(bytesPerRow, 'byte')} a row`;
    element('table-memory', HTMLElement).textContent = size(bytes);
  }
}

function tensorRow(
  { name, dtype, shape, bytes, table }: TensorSummary,
  isChecked: boolean,
): HTMLTableRowElement {
  const row = document.createElement('tr');
  const head = document.createElement('th');
  head.scope = 'row';
  head.append(table === null ? name : choiceOf(name, table, isChecked));
  row.append(head);
  for (const text of [dtype, `[${shape.map(count).join(', ')}]`, size(bytes)]) {
    row.insertCell().textContent = text;
  }
  return row;
}

function choiceOf(name: string, table: string, isChecked: boolean): HTMLLabelElement {
  const label = document.createElement('label');
  const input = document.createElement('input');
  input.type = 'radio';
  input.name = 'tensor';
  input.value = table;
  input.checked = isChecked;
  const text = document.createElement('span');
  text.textContent = name;
  label.append(input, text);
  return label;
}
