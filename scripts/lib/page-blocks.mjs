/** The fenced blocks of a Markdown page, and how they are marked. */

/**
 * @typedef {object} Block
 * @property {string} mark      the comment above: `run`, `run: FILE` (the block is that file), `run in a shell`, `prints`,
 *   `not run here: REASON`
 * @property {string} language
 * @property {string} text
 * @property {number} line
 */

/** The mark of a block of commands. */
export const SHELL = 'run in a shell';

/** Each block with the comment directly above it. @param {string} markdown @returns {Block[]} */
export function blocks(markdown) {
  const pattern = /(?:<!-- ([^\n]*) -->\n\n)?^```(\w*)\n([\s\S]*?)^```$/gm;
  return [...markdown.matchAll(pattern)].map(({ 1: mark = '', 2: language = '', 3: text = '', index }) => {
    const line = markdown.slice(0, index).split('\n').length;
    return { mark, language, text, line };
  });
}
