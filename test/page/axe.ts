/** What axe finds wrong for people with assistive technology. */

import axe from 'axe-core';
import type { Page } from 'playwright';

/** The rules that are broken, each with the first place. */
export async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe.source); // by the debugger: the policy lets no script in
  return page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
