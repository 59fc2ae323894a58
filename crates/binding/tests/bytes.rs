//! Tables that are filled with bytes as they are: in parts, at any place, whole or in tiles; and those of blocks, whose
//! rows cannot be written.

use std::ops::Range;
use tokenbed_binding::arrays::ByteArray;
use tokenbed_binding::{run, Environment, Failure, TableRecord, DONE};

/// Bytes of which at most a number are seen at a time.
struct Tiled<'a>(&'a [u8], usize);

impl ByteArray for Tiled<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn most(&self) -> usize {
        self.1
    }

    fn tile(&mut self, range: Range<usize>) -> &[u8] {
        assert!(range.len() <= self.1);
        &self.0[range]
    }

    fn copy_to(&mut self, to: &mut [u8]) {
        to.copy_from_slice(self.0);
    }
}

fn table(env: &mut Environment, dtype: &str, rows: f64, dim: f64) -> Option<f64> {
    let record = TableRecord {
        rows,
        dim,
        dtype: dtype.to_owned(),
        zeros: false,
    };
    env.table_create(&record).unwrap()
}

#[test]
fn bytes_are_copied_to_their_place() {
    let bytes: Vec<u8> = (0..5 * 34).map(|i| (i * 7) as u8).collect();
    for most in [1, 3, 64, usize::MAX] {
        for cut in [0, 1, 33, 34, 169, 170] {
            let mut env = Environment::default();
            let handle = table(&mut env, "q8_0", 5.0, 32.0).unwrap();
            // The second part first.
            for part in [cut..bytes.len(), 0..cut] {
                let offset = part.start as f64;
                run::table_bytes(&mut env, handle, offset, Tiled(&bytes[part], most)).unwrap();
            }
            assert_eq!(
                env.table(handle).unwrap().bytes(),
                bytes,
                "{most} at a time, cut at {cut}"
            );
        }
    }
}

#[test]
fn bytes_that_do_not_fit_are_refused() {
    let mut env = Environment::default();
    let handle = table(&mut env, "f16", 2.0, 4.0).unwrap();
    let bytes = [1; 17];
    run::table_bytes(&mut env, handle, 0.0, &bytes[..16]).unwrap();
    for (offset, len) in [(0.0, 17), (1.0, 16), (17.0, 0), (f64::MAX, 1)] {
        let refused = run::table_bytes(&mut env, handle, offset, &bytes[..len]);
        assert!(
            matches!(refused, Err(Failure::Short(..))),
            "{len} bytes from {offset} on"
        );
    }
    assert_eq!(env.table(handle).unwrap().bytes(), [1; 16]);
    assert_eq!(
        run::table_bytes(&mut env, 0.5, 0.0, &bytes[..]),
        Err(Failure::Handle(0.5))
    );
}

#[test]
fn rows_of_blocks_are_read_only() {
    let mut env = Environment::default();
    assert_eq!(table(&mut env, "q4_k", 2.0, 128.0), None, "half a block");
    let blocks = table(&mut env, "q4_k", 2.0, 256.0).unwrap();
    run::table_bytes(&mut env, blocks, 0.0, &[3; 288][..]).unwrap();
    let values = [1.0; 256];
    assert_eq!(env.table_mut(blocks).err(), Some(Failure::ReadOnly));
    assert_eq!(
        run::table_write(&mut env, blocks, 0.0, &values[..]),
        Err(Failure::ReadOnly)
    );
    assert_eq!(
        run::table_uniform(&mut env, blocks, 1, 0, 1.0, None),
        Err(Failure::ReadOnly)
    );
    let floats = table(&mut env, "f32", 2.0, 256.0).unwrap();
    assert_eq!(
        run::table_convert(&mut env, floats, blocks),
        Err(Failure::ReadOnly)
    );
    assert_eq!(run::table_convert(&mut env, blocks, floats), Ok(DONE));
    assert_eq!(env.table(blocks).unwrap().bytes(), [3; 288]);
}
