/** A mutant with which the library cannot be loaded becomes an unhandled error: Stryker overlooks files without tests. */

const load = () => import('../../dist/index.js');

void load();
