/** The package in a page of its own, with a content security policy. */

import type * as library from 'tokenbed';

const frames: HTMLIFrameElement[] = [];

/** Loads the package in a new page with this policy, which must allow scripts with the nonce `here`. */
export function packageInPage(entry: string, policy: string): Promise<typeof library> {
  const frame = document.createElement('iframe');
  frames.push(frame);
  return new Promise((resolve, reject) => {
    Object.assign(window, { inPage: { resolve, reject } });
    frame.srcdoc = `<meta http-equiv="Content-Security-Policy" content="${policy}">
      <script type="module" nonce="here">
        import(${JSON.stringify(entry)}).then(parent.inPage.resolve, parent.inPage.reject);
      </script>`;
    document.body.append(frame);
  });
}

/** Removes the pages. */
export const removePages = (): void => frames.splice(0).forEach((frame) => frame.remove());
