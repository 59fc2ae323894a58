/**
 * Where the files of this package are. A bundler moves some of them, so scripts/build-ts.mjs writes modules that tell the
 * host what they know: `location.cjs` for `require`, `location.mjs` for `import`.
 */

/** `undefined`: unknown in this bundle, or not packed. */
export interface Location {
  /** The path or address of `core.wasm`. */
  core(): string | URL | undefined;
  /** The path or address of `text.wasm`. */
  text(): string | URL | undefined;
  /** The path or address of the packed addon of a platform. */
  addon(platform: string): string | URL | undefined;
}

/** The known locations, the most specific one first. */
export const locations: Location[] = [];

/** Adds a location, which is tried before the others. */
export function locate(location: Location): void {
  locations.unshift(location);
}

/** Adds the folder of the file at `address`, a path or URL; `address` may throw. */
export function locateBeside(address: () => string | undefined): void {
  const beside = (name: string): string | undefined => {
    try {
      return address()?.replace(/[^/\\]*$/, name);
    } catch {
      return undefined; // unknown in this bundle
    }
  };
  locate({
    core: () => beside('core.wasm'),
    text: () => beside('text.wasm'),
    addon: (platform) => beside(`native/tokenbed.${platform}.node`),
  });
}
