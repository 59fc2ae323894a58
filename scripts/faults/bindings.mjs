/** Faults of the two bindings, and of what they share: seen from JavaScript. */

import { vitest } from './commands.mjs';

const node = (/** @type {string} */ name) => `crates/node/src/${name}.rs`;
const wasm = (/** @type {string} */ name) => `crates/wasm/src/${name}.rs`;

/** @type {readonly import('./list.mjs').Fault[]} */
export const BINDING_FAULTS = [
  {
    name: 'node-check-after-write',
    what: 'natively, a lookup writes before its ids are checked',
    file: node('lib'),
    find: '        let ids = checked!(first, host::check(ids.ids(), isa, table.rows()));\n        let out = out.first(ids.len() * table.dim())?;\n        by_rows',
    replace:
      '        out.first(1)?[0] = 0.5;\n        let ids = checked!(first, host::check(ids.ids(), isa, table.rows()));\n        let out = out.first(ids.len() * table.dim())?;\n        by_rows',
    builds: ['native'],
    look: vitest('native', 'errors', 'ids'),
  },
  {
    name: 'node-status',
    what: 'natively, a bad offset is reported as a bad id',
    file: node('lib'),
    find: 'Bags::Offsets(checked!(second, offsets.map_err(host::position_of)))',
    replace: 'Bags::Offsets(checked!(first, offsets.map_err(host::position_of)))',
    builds: ['native'],
    look: vitest('native', 'embedding-bag'),
  },
  {
    name: 'node-padding-zero',
    what: 'natively, padding 0 is no padding',
    file: node('lib'),
    find: 'let padding = (padding >= 0.0).then_some(padding as usize);',
    replace: 'let padding = (padding > 0.0).then_some(padding as usize);',
    builds: ['native'],
    look: vitest('native', 'embedding-bag'),
  },
  {
    name: 'node-u16',
    what: 'natively, large ids in a Uint16Array are negative',
    file: node('borrow'),
    find: 'kind::U16 => Ids::U16(self.0.slice())',
    replace: 'kind::U16 => Ids::I16(self.0.slice())',
    builds: ['native'],
    look: vitest('native', 'ids'),
  },
  {
    name: 'node-leftovers',
    what: 'natively, a new table in used memory holds the old values',
    file: node('pages'),
    find: '            }\n        }\n    }\n    values.fill(0.0);',
    replace: '            }\n        }\n    }',
    builds: ['native'],
    look: vitest('native', 'node/used-memory'),
  },
  {
    name: 'node-panic',
    what: 'natively, a panic says nothing of itself',
    file: node('error'),
    find: 'Err(panic) => Err(throw(env, panic_text(&*panic))),',
    replace: 'Err(_) => Err(throw(env, "panic")),',
    builds: ['native'],
    look: vitest('native', 'node/faults'),
  },
  {
    name: 'seed-halves',
    what: 'the halves of a seed are swapped, on both backends',
    file: 'crates/core/src/host.rs',
    find: 'u64::from(high) << 32 | u64::from(low)',
    replace: 'u64::from(low) << 32 | u64::from(high)',
    builds: ['native'],
    look: vitest('native', 'embedding'),
  },
  {
    name: 'wasm-first-tile',
    what: 'on WASM, only the first tile of ids is checked before output is written',
    file: wasm('borrow'),
    find: 'for range in self.tiles() {',
    replace: 'for range in self.tiles().take(1) {',
    builds: ['wasm'],
    look: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-in-place',
    what: 'on WASM, adding in place starts from old scratch memory',
    file: wasm('lib'),
    find: 'let fresh = matches!(source, Source::Slice(_));',
    replace: 'let fresh = matches!(source, Source::Slice(_) | Source::InPlace);',
    builds: ['wasm'],
    look: vitest('wasm', 'positional-encoding'),
  },
  {
    name: 'wasm-bag-pieces',
    what: 'on WASM, a bag of many pieces forgets all but the last one',
    file: wasm('lib'),
    find: 'for part in pieces(bags.range(bag), most) {',
    replace:
      'for part in pieces(bags.range(bag), most) {\n                        state = BagState::default();',
    builds: ['wasm'],
    look: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-byte-offset',
    what: 'on WASM, a part of a larger buffer is read from the start of the buffer',
    file: 'crates/wasm/src/border.js',
    find: 'offsetOf.call(array) + start * size',
    replace: '0 * offsetOf.call(array) + start * size',
    builds: ['wasm'],
    look: vitest('wasm', 'tiles'),
  },
  {
    name: 'wasm-max-equal',
    what: 'on simd128, the later of two equal values is held: +0 for -0',
    file: 'crates/core/src/simd/simd128.rs',
    find: 'f32x4_le(x, held)',
    replace: 'f32x4_lt(x, held)',
    builds: ['wasm'],
    look: vitest('wasm', 'embedding-bag'),
  },
  {
    name: 'wasm-scalar',
    what: 'the WASM is built without simd128',
    file: 'scripts/build-wasm.mjs',
    find: "flags: ['-Ctarget-feature=+simd128'],",
    replace: 'flags: [],',
    builds: ['wasm'],
    look: vitest('wasm', 'node/init-sources'),
  },
];
