/** The documents of tokenbed as one text, without programs and comments. */

const files = import.meta.glob<string>('../../../../docs/*.md', {
  query: '?raw',
  import: 'default',
  eager: true,
});

export const DOCUMENTS = Object.values(files)
  .join('\n\n')
  .replaceAll(/^```[^]*?^```|<!--[^]*?-->/gm, '')
  .replaceAll(/\n{3,}/g, '\n\n');
