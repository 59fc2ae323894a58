/** Accessibility violations reported by axe. */

import axe from 'axe-core';
import type { Page } from 'playwright';

/**
 * The violated rules, each with the first affected element. Waits for the end of transitions: while one runs, the
 * colors of text and background do not belong together yet.
 */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source); // through the debugger, because the policy blocks scripts
  return page.evaluate(async () => {
    await Promise.allSettled(document.getAnimations().map(({ finished }) => finished));
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
