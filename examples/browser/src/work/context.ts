/** A model's positions begin again with each of its windows; so do the page's. */
export const CONTEXT = 512;
