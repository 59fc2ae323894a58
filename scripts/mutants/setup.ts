/** A mutant with which the library cannot be loaded is an unhandled error; Stryker overlooks a file without tests. */

void import('tokenbed');

export {};
