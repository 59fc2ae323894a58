/**
 * The tab "Search".
 *
 *   model.ts   fetches the model: progress, cancel, retry      keep.ts: what the browser keeps for the next visit
 *       |  a Worker with the model
 *   text.ts    the text, cut into passages and indexed
 *       |
 *   hits.ts    the query as it is typed, and the nearest passages
 */

import license from '../../../../models/minilm-static/LICENSE?raw';
import notice from '../../../../models/minilm-static/NOTICE?raw';
import notes from '../../sample/notes.txt?raw';
import { HitsPanel } from './hits.js';
import { KeepPanel, modelCache } from './keep.js';
import { ModelPanel } from './model.js';
import { element } from '../page.js';
import html from './panel.html?raw';
import './search.css';
import { TextPanel } from './text.js';

export async function fill(panel: HTMLElement): Promise<void> {
  const cache = await modelCache();
  panel.innerHTML = html;
  element('model-license', HTMLElement).textContent = `${notice}\n${license}`;
  const hits = new HitsPanel((hit) => text.select(hit));
  const text = new TextPanel(notes, (isOurs) => hits.showExamples(isOurs));
  const keep = new KeepPanel();
  const model = new ModelPanel(cache, async (background) => {
    hits.use(background);
    await text.use(background, (passages) => hits.update(passages));
    await keep.keep();
  });
  model.start();
}
