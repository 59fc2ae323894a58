/**
 * The tabs. The code of a panel is loaded when its tab is selected for the first time. The part of the address after `#`
 * names the selected tab.
 */

import { element, errorText } from './page.js';

/** Fills the panel. Called when its tab is selected, again after a failure, never after a success. */
export type Fill = (panel: HTMLElement) => Promise<void>;

interface Tab {
  readonly name: string;
  readonly button: HTMLButtonElement;
  readonly panel: HTMLElement;
  fill: Fill | null;
}

/** Makes the tabs work. `fills` has one entry for each panel that is loaded on demand. */
export function listenToTabs(fills: Readonly<Record<string, Fill>>): void {
  const buttons = document.querySelectorAll<HTMLButtonElement>('[role=tab]');
  const tabs = Array.from(buttons, (button): Tab => {
    const name = button.id.replace('tab-', '');
    return { name, button, panel: element(`${name}-panel`, HTMLDivElement), fill: fills[name] ?? null };
  });

  const select = (selected: Tab) => {
    for (const tab of tabs) {
      tab.button.setAttribute('aria-selected', String(tab === selected));
      tab.button.tabIndex = tab === selected ? 0 : -1;
      tab.panel.hidden = tab !== selected;
    }
    void fillPanel(selected);
  };
  const choose = (index: number) => {
    const tab = tabs.at(index % tabs.length)!;
    select(tab);
    tab.button.focus();
    history.replaceState(null, '', `#${tab.name}`);
  };
  tabs.forEach(({ button }, i) => {
    button.addEventListener('click', () => choose(i));
    button.addEventListener('keydown', (event) => {
      const moves: Record<string, number> = { ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: -1 };
      const move = moves[event.key];
      if (move === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      choose(move);
    });
  });

  const selectNamed = () => {
    const named = tabs.find(({ name }) => location.hash === `#${name}`);
    if (named !== undefined) select(named);
  };
  addEventListener('hashchange', selectNamed);
  selectNamed();
}

async function fillPanel(tab: Tab): Promise<void> {
  const { panel, fill } = tab;
  if (fill === null) return;
  tab.fill = null;
  panel.textContent = 'Loading …';
  try {
    await fill(panel);
  } catch (error) {
    panel.textContent = `${errorText(error)}. Select the tab again to retry.`;
    tab.fill = fill;
  }
}
